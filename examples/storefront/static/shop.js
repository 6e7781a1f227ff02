"use strict";
// All pages work without this file: it only saves reloads and typing.

const POLL_MS = 2000;
const SELDOM_MS = 20000;

function follow(box) {
  const show = (now) => {
    if (now.status === box.dataset.status && now.kind === box.dataset.kind) return;
    box.dataset.status = now.status;
    box.dataset.kind = now.kind;
    box.className = `status ${now.kind}`;
    document.getElementById("status-label").textContent = now.label;
    document.getElementById("status-text").textContent = now.text;
    for (const part of document.querySelectorAll("[data-statuses]")) {
      part.hidden = !part.dataset.statuses.split(" ").includes(now.status);
    }
  };
  // The shop's server tells the page what it is told. While it does, the page asks only now and then.
  const news = new EventSource(box.dataset.changes);
  news.onmessage = (message) => show(JSON.parse(message.data));
  const ask = async () => {
    if (!document.hidden) {
      try {
        const answer = await fetch(box.dataset.url, { headers: { Accept: "application/json" } });
        if (answer.ok) show(await answer.json());
      } catch (error) {
        if (!(error instanceof TypeError)) throw error; // the shop is away for a moment: ask again
      }
    }
    setTimeout(ask, box.dataset.told && news.readyState === EventSource.OPEN ? SELDOM_MS : POLL_MS);
  };
  setTimeout(ask, POLL_MS / 2);
}

function countDown(clock) {
  const left = Math.max(0, Math.round(Number(clock.dataset.until) - Date.now() / 1000));
  const seconds = String(left % 60).padStart(2, "0");
  clock.textContent = left ? `${Math.floor(left / 60)}:${seconds}` : clock.dataset.over;
  clock.hidden = false;
  if (left) setTimeout(countDown, 1000, clock);
}

function offerCopying(button) {
  const field = document.getElementById(button.dataset.copy);
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    field.select();
    if (navigator.clipboard) await navigator.clipboard.writeText(field.value);
    else document.execCommand("copy");
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = label; }, 2000);
  });
}

function offerCard(button) {
  button.hidden = false;
  button.addEventListener("click", () => {
    document.getElementById("card_number").value = button.dataset.card;
    document.getElementById("cvv").value = "123";
    document.getElementById("installments").focus();
  });
}

const box = document.getElementById("status");
if (box) {
  follow(box);
  document.querySelector(".reload").hidden = true;
}
document.querySelectorAll("#countdown").forEach((clock) => countDown(clock));
document.querySelectorAll("[data-copy]").forEach(offerCopying);
document.querySelectorAll("[data-card]").forEach(offerCard);
