// Select2's translations are named pt-BR, and it takes the page's language for such a name.
document.documentElement.lang = document.documentElement.lang.replace("pt-br", "pt-BR");

// Icons are ligatures: a screen reader would read "storefront". What has nothing but an icon gets a name.
const nameIcons = () => {
  for (const icon of document.querySelectorAll(".material-symbols-outlined:not([aria-hidden])")) {
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
