"use strict";
// A stand-in for Appmax's browser script. It has the same `init`, looks for the same elements, and calls its own origin.
// The real one shows one wallet, which depends on the browser. This one shows both, and makes up their tokens.

(() => {
  const { origin } = new URL(document.currentScript.src);
  const isPortuguese = document.documentElement.lang.startsWith("pt");
  const words = isPortuguese
    ? { payWith: "Pagar com", simulated: "simulado", pay: "Pagar", cancel: "Cancelar" }
    : { payWith: "Pay with", simulated: "simulated", pay: "Pay", cancel: "Cancel" };
  const DARK = "min-height: 48px; width: 100%; border: 0; border-radius: 8px; background: #000; color: #fff; font: inherit; cursor: pointer;";

  async function post(externalId, path, body) {
    const answer = await fetch(origin + path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "external-id": externalId },
      body: JSON.stringify(body),
    });
    const said = await answer.json();
    if (!answer.ok) throw Object.assign(new Error(said.message), { status: answer.status });
    return said.data;
  }

  function watchCardForm({ externalId, onTokenize, onError }) {
    const form = document.querySelector("form[data-appmax-checkout]");
    if (!form) return;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const fields = new FormData(form);
      const card = {
        number: fields.get("card-number"),
        holder_name: fields.get("card-holder-name"),
        expiration_month: fields.get("exp-month"),
        expiration_year: fields.get("exp-year"),
        cvv: fields.get("cvv"),
      };
      try {
        const { token } = await post(externalId, "/v1/payments/tokenize", { payment_data: { credit_card: card } });
        onTokenize({ token });
      } catch ({ status }) {
        const message = "Failed to process payment: Failed to tokenize card.";
        onError({ code: "TOKENIZATION_FAILED", stage: "tokenize", message, status });
      }
    });
  }

  // The sheet in which the shopper confirms; resolves to whether it was confirmed.
  function sheet(wallet, total) {
    const dialog = document.createElement("dialog");
    dialog.setAttribute("aria-label", `${wallet} (${words.simulated})`);
    const text = document.createElement("p");
    text.textContent = `${wallet} (${words.simulated}): R$ ${total}`;
    const [pay, cancel] = [words.pay, words.cancel].map((label) => button(label));
    dialog.append(text, pay, cancel);
    document.body.append(dialog);
    dialog.showModal();
    return new Promise((resolve) => {
      pay.addEventListener("click", () => { resolve(true); dialog.close(); });
      cancel.addEventListener("click", () => dialog.close());
      dialog.addEventListener("close", () => { resolve(false); dialog.remove(); });
    });
  }

  function button(label) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = label;
    made.style.cssText = `${DARK} margin-top: 8px;`;
    return made;
  }

  function offerApplePay({ externalId, onError, onUpdate, onAuthorize }) {
    const place = document.querySelector(".appmax-apple-pay-btn");
    if (place) {
      const made = button(`${words.payWith} Apple Pay`);
      made.dataset.appmaxApplePay = "";
      place.replaceChildren(made);
    }
    document.querySelector("[data-appmax-apple-pay]")?.addEventListener("click", async (event) => {
      event.preventDefault();
      try {
        await post(externalId, "/v1/apple-pay/merchant-session", { store_url: location.host, external_id: externalId });
        if (await sheet("Apple Pay", onUpdate().total.toFixed(2))) await onAuthorize(appleToken());
      } catch {
        onError("Error processing payment");
      }
    });
  }

  function offerGooglePay({ onUpdate, onAuthorize }) {
    const anchor = document.querySelector("[data-appmax-google-pay]");
    if (!anchor) return;
    const made = button(`${words.payWith} Google Pay`);
    anchor.before(made);
    anchor.hidden = true;
    let { total } = onUpdate();
    made.addEventListener("click", async () => {
      if (await sheet("Google Pay", total.toFixed(2))) onAuthorize(googleToken()); // Its answer isn't waited for.
      total = onUpdate().total;
    });
  }

  function random(bytes) {
    return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(bytes))));
  }

  function googleToken() {
    const message = { encryptedMessage: random(240), ephemeralPublicKey: random(65), tag: random(32) };
    const token = { signature: random(70), protocolVersion: "ECv2", signedMessage: JSON.stringify(message) };
    return {
      type: "CARD",
      description: "Visa •••• 1234",
      info: { cardNetwork: "VISA", cardDetails: "1234" },
      tokenizationData: { type: "PAYMENT_GATEWAY", token: JSON.stringify(token) },
    };
  }

  function appleToken() {
    const id = [...crypto.getRandomValues(new Uint8Array(32))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return {
      paymentData: {
        version: "EC_v1",
        data: random(240),
        signature: random(2000),
        header: { ephemeralPublicKey: random(91), publicKeyHash: random(32), transactionId: id },
      },
      paymentMethod: { displayName: "Visa 1234", network: "Visa", type: "credit" },
      transactionIdentifier: id,
    };
  }

  // Both documented forms (https://docs.appmax.com.br/guides/appmax-js): an object of options, or the older five
  // arguments, whose onSuccess gets the token as a text, and onError a text.
  function init(first, onError, externalId, onUpdate, onAuthorize) {
    const options = typeof first === "object" ? first : {
      externalId,
      onTokenize: ({ token }) => first(token),
      onError: (error) => onError(error.message ?? error),
      onUpdate,
      onAuthorize,
    };
    const hasWallets = typeof options.onUpdate === "function" && typeof options.onAuthorize === "function";
    if (hasWallets && !options.externalId) throw new Error("External ID is required for Apple Pay use.");
    watchCardForm(options);
    if (!hasWallets) return;
    offerApplePay(options);
    offerGooglePay(options);
  }

  window.AppmaxScripts = { init };
})();
