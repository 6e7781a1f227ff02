"use strict";
// A card or a wallet needs this file and Appmax's script. Everything else works without it: it saves reloads and typing.

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

// Appmax's script makes a token of the card, or hands over the wallet's. Either goes to the shop with the form, whose
// answer is the order's page; a shop that stays on its page would answer Apple's sheet by what came of the payment.
function startAppmax(place) {
  const payment = document.getElementById("payment");
  const card = document.getElementById("card");
  const failed = document.getElementById("card-failed");
  const send = (name, token) => {
    payment.elements[name].value = token;
    payment.submit();
  };
  payment.addEventListener("submit", (event) => {
    if (!payment.querySelector("[data-by-card]:checked")) return;
    event.preventDefault();
    failed.hidden = true;
    const number = document.getElementById("card_number");
    if (card.reportValidity()) {
      number.value = number.value.replace(/\D/g, "");
      card.requestSubmit();
    }
  });
  const cart = () => ({
    orderId: "",
    total: Number(place.dataset.totalCents) / 100, // reais, for the wallet's sheet
    freight: 0,
    discount: 0,
    installments: Number(payment.elements.installments.value),
    products: [],
  });
  window.AppmaxScripts.init({
    externalId: place.dataset.externalId,
    onTokenize: ({ token }) => send("card_token", token),
    onError: ({ stage }) => { if (!["fingerprint", "ip"].includes(stage)) failed.hidden = false; }, // One can pay without.
    onUpdate: cart,
    onAuthorize: (token) => send("wallet_token", JSON.stringify(token)),
  });
}

const box = document.getElementById("status");
if (box) {
  follow(box);
  document.querySelector(".reload").hidden = true;
}
const appmax = document.getElementById("appmax");
if (appmax && window.AppmaxScripts) startAppmax(appmax);
document.querySelectorAll("#countdown").forEach((clock) => countDown(clock));
document.querySelectorAll("[data-copy]").forEach(offerCopying);
document.querySelectorAll("[data-card]").forEach(offerCard);
