// Asks for the page again when something has changed, and puts what came in the place of what is there. Each time that the
// connection is made, too: what has changed before was told to nobody.
"use strict";
const source = new EventSource(document.currentScript.dataset.live);
let newest = 0;

async function refresh() {
  const mine = ++newest;
  const answer = await fetch(location.href, { cache: "no-store" });
  const text = await answer.text();
  const fresh = new DOMParser().parseFromString(text, "text/html").querySelector("main");
  if (!answer.ok || !fresh || mine !== newest) return;
  const focused = document.activeElement?.getAttribute("href");
  document.querySelector("main").replaceWith(fresh);
  if (focused) fresh.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
}

source.addEventListener("open", refresh);
source.addEventListener("change", refresh);
// How long ago things were.
setInterval(() => { if (!document.hidden && getSelection().isCollapsed) refresh().catch(() => {}); }, 60000);
