"use strict";
// Shows the entries that have every word of the filter, and opens what a link leads to.
const field = document.getElementById("filter");
const entries = [...document.querySelectorAll(".entry")].map(
  (element) => [element, element.textContent.toLowerCase()]
);
const groups = [...document.querySelectorAll(".group")];
function filter() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const [element, text] of entries) {
    element.hidden = !words.every((word) => text.includes(word));
  }
  for (const group of groups) {
    group.hidden = !group.querySelector(".entry:not([hidden])");
  }
}
function open() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (!target) return;
  for (let part = target; part; part = part.parentElement) {
    part.hidden = false;
    if (part.tagName === "DETAILS") part.open = true;
  }
  target.scrollIntoView();
}
field.addEventListener("input", filter);
addEventListener("hashchange", open);
addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== field) {
    event.preventDefault();
    field.focus();
  }
});
open();
