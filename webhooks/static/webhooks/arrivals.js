// Asks this page again every three seconds while somebody looks at it, and shows what it says of events that have come.
const seconds = 3;

async function look() {
  const arrivals = document.getElementById("arrivals");
  if (!document.hidden) {
    const url = new URL(location.href);
    url.searchParams.set("since", arrivals.dataset.checkedFrom);
    url.searchParams.delete("check");
    try {
      const answer = await fetch(url, { headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const [shown, news] = [document, page].map((each) => each.querySelector("#arrivals .note"));
      if (answer.ok && news.dataset.event !== shown.dataset.event) shown.replaceWith(news);
    } catch {
      // Away for a moment; the next look tells.
    }
  }
  setTimeout(look, seconds * 1000);
}

document.querySelector("#arrivals [data-live]").hidden = false;
setTimeout(look, seconds * 1000);
