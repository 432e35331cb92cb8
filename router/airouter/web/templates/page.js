"use strict";
// Brings the page up to date while it is looked at. Without this script it is whole, too.
const byId = (id) => document.getElementById(id);
const live = byId("live");
const sorted = new Map(); // id of a table's body -> [column, direction]
const words = new Intl.Collator(undefined, { numeric: true });
let seen = document.body.dataset.seen;
let source = null;
let updated = Promise.resolve(); // once all updates so far are shown

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
    const isHidden = !each.dataset.name.toLowerCase().includes(wanted);
    if (each.hidden !== isHidden) each.hidden = isHidden;
  }
}

// Puts children in an order and moves no more of them than it has to: what moves is laid out anew.
function place(block, children) {
  let next = block.firstElementChild;
  for (const child of children) {
    if (next && child !== next && child === next.nextElementSibling) next = child; // `next` is put later
    if (child === next) next = next.nextElementSibling;
    else block.insertBefore(child, next);
  }
}

function sort(body, column, direction) {
  const value = (row) => {
    const cell = row.cells[column];
    return cell.dataset.v === undefined ? cell.textContent.trim() : Number(cell.dataset.v);
  };
  const compare = (a, b) => (typeof a === "number" ? a - b : words.compare(a, b));
  const rows = [...body.rows].map((row) => [value(row), row]);
  rows.sort(([a], [b]) => direction * compare(a, b));
  place(body, rows.map(([, row]) => row));
}

function arrange() {
  for (const input of document.querySelectorAll("[data-filter]")) if (input.value) filter(input);
  for (const [id, [column, direction]] of sorted) sort(byId(id), column, direction);
  writeTimes();
  const title = `${document.querySelector("#head .pill").textContent} · Auto AI Router`;
  if (document.title !== title) document.title = title;
}

function made(html) {
  const template = document.createElement("template"); // the one element that takes a table's row
  template.innerHTML = html;
  return template.content.firstElementChild;
}

function renewAttributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (name !== "hidden" && !fresh.hasAttribute(name)) old.removeAttribute(name); // `hidden` is the filter's
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

// Makes an element like a fresh one. What is the same already stays, and so does what is selected,
// found or focused in it, and little is laid out anew.
function renew(old, fresh) {
  if (old.nodeName !== fresh.nodeName) {
    old.replaceWith(fresh);
  } else if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
  } else {
    renewAttributes(old, fresh);
    if (old.nodeName !== "TIME") renewChildren(old, [...fresh.childNodes]); // `writeTimes` writes in it
  }
}

function renewChildren(old, fresh) {
  const former = [...old.childNodes];
  former.forEach((child, index) => (index < fresh.length ? renew(child, fresh[index]) : child.remove()));
  old.append(...fresh.slice(former.length));
}

function order(block, ids, parts) {
  const wanted = new Set(ids);
  for (const child of [...block.children]) if (!wanted.has(child.id)) child.remove();
  place(block, ids.map((id) => byId(id) ?? made(parts[id])));
}

// Shows an update, some milliseconds of it in each frame: whoever scrolls is not to notice.
async function update({ orders, parts }) {
  let began = performance.now();
  for (const [id, html] of Object.entries(parts)) {
    if (performance.now() - began > 3) {
      await new Promise(requestAnimationFrame);
      began = performance.now();
    }
    const part = byId(id);
    if (part) renew(part, made(html));
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
  source.onmessage = (event) => {
    seen = event.lastEventId;
    updated = updated.then(() => update(JSON.parse(event.data))).catch(reportError); // the next goes on
  };
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
