// Select2's translations are named pt-BR, and it takes the page's language for such a name.
document.documentElement.lang = document.documentElement.lang.replace("pt-br", "pt-BR");

// Icons are ligatures: a screen reader would read "storefront". What has nothing but an icon gets a name.
const nameIcons = () => {
  for (const icon of document.querySelectorAll(".material-symbols-outlined:not([aria-hidden])")) {
    if (icon.matches("[x-on\\:click]")) {
      icon.setAttribute("aria-label", icon.title);
      continue;
    }
    icon.setAttribute("aria-hidden", "true");
    const control = icon.closest("a, button");
    const says = control && [...control.childNodes].some((node) => node !== icon && node.textContent.trim());
    if (control && !says && !control.getAttribute("aria-label")) {
      control.setAttribute("aria-label", control.title || document.title);
    }
  }
};
document.addEventListener("DOMContentLoaded", nameIcons);

// The number of unprocessed events in the menu, asked for again while the page is looked at.
document.addEventListener("DOMContentLoaded", () => {
  const link = document.querySelector('#nav-sidebar-apps a[href$="?outcome=unprocessed"]');
  const badge = link && link.querySelector("span:last-child");
  if (!badge) return;
  const url = link.href.replace(/\/webhooks\/webhookevent\/.*$/, "/unprocessed/");
  const show = (text) => {
    badge.textContent = text.trim();
    badge.hidden = text.trim() === "0";
  };
  const ask = async () => {
    if (document.hidden) return;
    const answer = await fetch(url, { redirect: "error" }).catch(() => null);
    if (answer && answer.ok) show(await answer.text());
  };
  show(badge.textContent);
  setInterval(ask, 15000);
});
// Ctrl-K: Enter without a chosen result leads to the page with all results.
document.addEventListener("keydown", (event) => {
  const box = event.target;
  if (event.key !== "Enter" || box.id !== "search-input-command") return;
  if (document.querySelector("#command-results-list .active")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const [page] = box.getAttribute("hx-get").split("?");
  if (box.value.trim()) window.location = `${page}?q=${encodeURIComponent(box.value)}`;
}, true);

// Copy buttons: data-copy names the element whose text is meant.
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
  button.textContent = button.dataset.done;
});

// Parts that libraries' scripts make, some as late as the page's load, get a name, or lose one that says nothing.
const nameParts = () => {
  for (const part of document.querySelectorAll(".simplebar-content-wrapper")) {
    if (part.closest("nav, #changelist-filter")) ["role", "tabindex", "aria-label"].forEach((name) => part.removeAttribute(name));
    else part.setAttribute("aria-label", document.querySelector("h1")?.textContent.trim() || document.title);
  }
  for (const select of document.querySelectorAll("select.select2-hidden-accessible")) {
    for (const part of select.nextElementSibling.querySelectorAll("[role=combobox], [role=textbox]")) {
      part.setAttribute("aria-label", select.labels[0]?.textContent.trim() || select.name);
    }
  }
  document.querySelectorAll(".help-tooltip[aria-label]").forEach((icon) => icon.setAttribute("role", "img"));
};
addEventListener("load", () => setTimeout(nameParts));

// A row's card on a phone has labels before its values. It needs none for a badge or for its only time, and leaves out
// what says nothing.
document.addEventListener("DOMContentLoaded", () => {
  for (const row of document.querySelectorAll("#result_list .data-row")) {
    row.querySelectorAll("br").forEach((end) => end.before(" ")); // A card has no line's end in a cell, but a space.
    for (const cell of row.querySelectorAll("td[data-label]")) {
      cell.dataset.label = cell.dataset.label.charAt(0).toUpperCase() + cell.dataset.label.slice(1);
      cell.classList.toggle("says-nothing", cell.textContent.trim() === "-");
      const isOnlyTime = cell.querySelector("time") && row.querySelectorAll("time").length === 1;
      cell.classList.toggle("says-itself", Boolean(isOnlyTime || cell.querySelector(":scope > .uppercase")));
    }
  }
});
