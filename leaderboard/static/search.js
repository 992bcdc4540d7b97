/* Search on the page that lists everything: words in any order, in names and sentences. The query is in the URL as #q=. */
"use strict";

(() => {
  const field = document.querySelector("[data-search]");
  const status = document.querySelector("[data-found]");
  const items = [...document.querySelectorAll(".found li")].map((item) => [item, item.textContent.toLowerCase()]);
  const sections = [...document.querySelectorAll(".found")];
  const families = [...document.querySelectorAll(".found details")];

  const show = () => {
    const words = field.value.toLowerCase().split(/[\s_/]+/).filter(Boolean);
    let count = 0;
    for (const [item, text] of items) {
      const plain = text.replaceAll(/[_/]/g, " ");
      item.hidden = !words.every((word) => plain.includes(word));
      count += !item.hidden;
    }
    for (const each of [...sections, ...families]) {
      each.hidden = !each.querySelector("li:not([hidden])");
      each.open = words.length > 0;
    }
    status.textContent = words.length ? `${count} found.` : "";
  };

  const load = () => {
    field.value = new URLSearchParams(location.hash.slice(1)).get("q") ?? "";
    show();
  };

  field.closest("p").hidden = false;
  field.addEventListener("input", () => {
    const query = String(new URLSearchParams({ q: field.value }));
    history.replaceState(null, "", location.href.split("#")[0] + (field.value ? `#${query}` : ""));
    show();
  });
  addEventListener("hashchange", load);
  load();
})();
