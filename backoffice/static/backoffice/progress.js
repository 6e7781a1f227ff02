// Shows how far the worker has come with a batch of events or a file, until it has ended. Without this script the page can be loaded anew.
document.addEventListener("DOMContentLoaded", () => {
  const look = async () => {
    const shown = document.getElementById("batch-progress");
    if (!shown || !shown.dataset.progress) return;
    const answer = document.hidden ? null : await fetch(shown.dataset.progress, { redirect: "error" }).catch(() => null);
    if (answer && answer.ok) shown.outerHTML = await answer.text();
    setTimeout(look, 1500);
  };
  setTimeout(look, 1500);
});
