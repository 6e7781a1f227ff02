// The keyboard: what Unfold opens for a mouse alone, Tab reaches, Enter and Space open, and Escape closes.
(() => {
  const BUTTON = "[x-on\\:click]:not(a[href]:not([href='#']), button, input, select, textarea, label, #changelist-filter-close)";
  const FOCUSABLE = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
  const OVERLAYS = ["filterOpen", "sidebarMobileOpen", "openCommandResults"]; // They cover the page, so Tab stays in them.
  const opened = []; // What is open, the newest last: { trigger, panel, state, variable }.

  const isShown = (element) => element.getClientRects().length > 0;
  const stops = (panel) => [...panel.querySelectorAll(FOCUSABLE)].filter((each) => isShown(each) && !each.disabled);
  const says = (element) => element.getAttribute("aria-label") || element.title || text(element);
  const text = (element) => [...element.childNodes].map((node) => (node.ariaHidden === "true" ? "" : node.nodeType === Node.TEXT_NODE ? node.textContent : text(node))).join(" ").replace(/\s+/g, " ").trim();
  const newest = () => opened[opened.length - 1];

  // The variable that a click on the element switches, such as actionDropdownOpen.
  const switched = (element) => /^\s*(\w+) = (?:!|true)/.exec(element.getAttribute("x-on:click") || "")?.[1];

  // What the variable shows. The side menu of a wide screen isn't opened, it is there.
  const panelOf = (variable, trigger) => {
    if (variable === "sidebarDesktopOpen") return undefined;
    const shown = document.querySelectorAll(`[x-show="${variable}"], [x-bind\\:class*="max-lg:flex': ${variable}"], [x-bind\\:class*="block!': ${variable}"]`);
    return [...shown].find((each) => isShown(each) && !each.contains(trigger));
  };

  // A key that is still down would go on working in what gets the focus.
  let isDown = false;
  const enter = (panel) => {
    if (isDown) addEventListener("keyup", () => requestAnimationFrame(() => stops(panel)[0]?.focus()), { once: true });
    else stops(panel)[0]?.focus();
  };

  const close = ({ state, variable }) => {
    if (variable === "openCommandResults") state.handleOutsideClick();
    else state[variable] = false;
  };

  const wasClosed = (variable, state) => {
    const at = opened.findIndex((each) => each.variable === variable && each.state === state);
    if (at < 0) return;
    const [{ trigger, panel }] = opened.splice(at, 1);
    const focus = document.activeElement;
    if (focus === document.body || panel.contains(focus)) trigger?.focus();
  };

  const wasOpened = (trigger, variable, state, byKeyboard) => {
    const panel = panelOf(variable, trigger);
    if (!panel || opened.some((each) => each.variable === variable && each.state === state)) return;
    opened.push({ trigger, panel, state, variable });
    if (byKeyboard) enter(panel);
  };

  let keyboard = false; // Whether a key was pressed last, and not a mouse's button.
  let before = null; // What had the focus before the search opened itself over the page.
  addEventListener("keydown", () => { isDown = keyboard = true; before = document.activeElement; }, true);
  addEventListener("keyup", () => { isDown = false; }, true);
  addEventListener("pointerdown", () => { keyboard = false; }, true);

  document.addEventListener("DOMContentLoaded", () => {
    for (const trigger of document.querySelectorAll("[x-on\\:click]")) {
      if (trigger.matches(BUTTON)) {
        trigger.setAttribute("role", "button");
        trigger.tabIndex = 0;
        const label = trigger.closest(".field-line")?.querySelector("label"); // A field's menu is called as its field.
        if (!says(trigger)) trigger.setAttribute("aria-label", label ? says(label) : document.title);
      }
      const variable = switched(trigger);
      if (!variable) continue;
      const state = Alpine.$data(trigger);
      Alpine.effect(() => {
        const isOpen = Boolean(state[variable]);
        trigger.setAttribute("aria-expanded", isOpen);
        if (!isOpen) wasClosed(variable, state);
        else if (isShown(trigger)) requestAnimationFrame(() => wasOpened(trigger, variable, state, keyboard));
      });
    }
    const search = document.querySelector("[x-on\\:opencommand\\.window]");
    if (search) {
      const state = Alpine.$data(search);
      Alpine.effect(() => {
        if (!state.openCommandResults) wasClosed("openCommandResults", state);
        else if (!opened.some((each) => each.state === state)) opened.push({ trigger: before, panel: search, state, variable: "openCommandResults" });
      });
    }
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("a[href='#'][x-on\\:click]")) event.preventDefault(); // It would scroll to the top.
  });

  document.addEventListener("keydown", (event) => {
    const button = event.target.closest?.(BUTTON);
    if (button === event.target && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      button.click();
    }
  });

  // Escape closes the newest of what is open. Unfold's own listeners, on the window, would close all. Lists to choose from
  // and calendars close themselves.
  const closesItself = () => [...document.querySelectorAll(".select2-container--open, .calendarbox, .clockbox")].some(isShown);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !newest() || closesItself()) return;
    event.stopPropagation();
    event.preventDefault();
    close(newest());
  }, true);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && newest()) event.stopPropagation();
  });

  // Tab goes through an overlay in a circle. It leaves a menu, and closes it, towards what follows its button.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Tab" || !newest()) return;
    const { panel, trigger, variable } = newest();
    const all = stops(panel);
    const isInside = panel.contains(document.activeElement);
    const isAtEdge = document.activeElement === (event.shiftKey ? all[0] : all[all.length - 1]);
    if (isInside && !isAtEdge) return;
    if (isInside && !OVERLAYS.includes(variable)) {
      trigger.focus();
      close(newest());
      if (event.shiftKey) event.preventDefault();
    } else if (all.length) {
      event.preventDefault();
      (event.shiftKey ? all[all.length - 1] : all[0]).focus();
    }
  });
})();
