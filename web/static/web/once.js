// A second click while the answer is on its way would be answered in place of the first one, whose page may show a
// secret once. So it is not sent. After ten seconds, or back on the page, a form can be sent again.
const AGAIN_MS = 10000;
let sent = new WeakMap();
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (event.timeStamp - sent.get(form) < AGAIN_MS) event.preventDefault();
  else sent.set(form, event.timeStamp);
});
addEventListener("pageshow", () => { sent = new WeakMap(); });
