"use strict";
// Brings the page up to date while it is looked at. Without this script it is whole, too.
const byId = (id) => document.getElementById(id);
const live = byId("live");
const sorted = new Map(); // id of a table's body -> [column, direction]
let seen = document.body.dataset.seen;
let source = null;

function distance(seconds) {
  const total = Math.max(0, Math.round(seconds));
  if (total < 60) return `${total} s`;
  if (total < 3600) return `${Math.floor(total / 60)}:${String(total % 60).padStart(2, "0")} min`;
  if (total < 86400) return `${Math.floor(total / 3600)} h ${Math.floor((total % 3600) / 60)} min`;
  const days = Math.floor(total / 86400);
  return days === 1 ? "1 day" : `${days} days`;
}

function writeTimes() {
  const now = Date.now() / 1000;
  for (const time of document.querySelectorAll("time[data-at]")) {
    const at = Number(time.dataset.at);
    const text = "ahead" in time.dataset ? distance(at - now) : `${distance(now - at)} ago`;
    if (time.textContent !== text) time.textContent = text;
  }
}

function filter(input) {
  const wanted = input.value.trim().toLowerCase();
  for (const each of byId(input.dataset.filter).children) {
    each.hidden = !each.dataset.name.toLowerCase().includes(wanted);
  }
}

function sort(body, column, direction) {
  const value = (row) => {
    const cell = row.cells[column];
    return cell.dataset.v === undefined ? cell.textContent.trim() : Number(cell.dataset.v);
  };
  const compare = (a, b) =>
    typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true });
  const rows = [...body.rows].map((row) => [value(row), row]);
  rows.sort(([a], [b]) => direction * compare(a, b));
  if (rows.some(([, row], place) => body.rows[place] !== row)) {
    body.append(...rows.map(([, row]) => row));
  }
}

function arrange() {
  for (const input of document.querySelectorAll("[data-filter]")) if (input.value) filter(input);
  for (const [id, [column, direction]] of sorted) sort(byId(id), column, direction);
  writeTimes();
  document.title = `${document.querySelector("#head .pill").textContent} · Auto AI Router`;
}

function made(html) {
  const template = document.createElement("template"); // the one element that takes a table's row
  template.innerHTML = html;
  return template.content.firstElementChild;
}

function order(block, ids, parts) {
  const wanted = new Set(ids);
  for (const child of [...block.children]) if (!wanted.has(child.id)) child.remove();
  let next = block.firstElementChild;
  for (const id of ids) {
    const child = byId(id) ?? made(parts[id]);
    if (child === next) next = next.nextElementSibling;
    else block.insertBefore(child, next);
  }
}

function update({ orders, parts }) {
  for (const [id, html] of Object.entries(parts)) {
    const part = byId(id);
    if (part) part.outerHTML = html;
  }
  for (const [id, ids] of Object.entries(orders)) {
    const block = byId(id);
    if (block) order(block, ids, parts);
  }
  arrange();
}

function tell(text, isOld = false) {
  live.textContent = text;
  live.className = isOld ? "pill warn" : "";
}

function open() {
  if (source) return;
  source = new EventSource(`vhealth/events?since=${seen}`);
  source.onopen = () => tell("live, paused while hidden");
  source.onmessage = (event) => { seen = event.lastEventId; update(JSON.parse(event.data)); };
  source.addEventListener("reload", () => { close(); location.reload(); });
  source.onerror = () => {
    tell("not connected: what is shown may be old", true);
    if (source && source.readyState === EventSource.CLOSED) { // refused: it does not try again itself
      close();
      setTimeout(() => { if (!document.hidden) open(); }, 10000);
    }
  };
}

function close() {
  if (source) source.close();
  source = null;
}

document.addEventListener("input", (event) => {
  if (event.target.matches("[data-filter]")) filter(event.target);
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-sort]");
  if (!button) return;
  const head = button.closest("th");
  const direction = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", direction === 1 ? "ascending" : "descending");
  const body = button.closest("table").tBodies[0];
  sorted.set(body.id, [Number(button.dataset.sort), direction]);
  sort(body, ...sorted.get(body.id));
});
document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
setInterval(() => { if (!document.hidden) writeTimes(); }, 1000);
arrange();
if (!document.hidden) open();
