// Copy buttons: <button data-copy="id of the element whose text is copied">. Without a clipboard (a page that came over
// http from another machine has none) the text is selected instead.
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent.trim());
      button.textContent = button.dataset.done;
    } catch {
      getSelection().selectAllChildren(source);
      button.textContent = button.dataset.failed || button.textContent;
    }
  });
}
