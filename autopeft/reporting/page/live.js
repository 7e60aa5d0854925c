"use strict";

const query = location.search;
const every = 2000;
let version = null;

async function get(path) {
  const answer = await fetch(path + query);
  if (!answer.ok) throw new Error(await answer.text());
  return answer;
}

function cell(kind, text, ...classes) {
  const made = document.createElement(kind);
  made.textContent = text;
  made.classList.add(...classes);
  return made;
}

async function stopTrial(button, trial) {
  button.disabled = true;
  const answer = await fetch("/stop" + query, { method: "POST", body: JSON.stringify({ trial }) });
  document.getElementById("status").textContent = answer.ok
    ? `trial ${trial} is stopped at its next rung`
    : await answer.text();
}

function rowOf(each, asked) {
  const row = document.createElement("tr");
  const first = cell("th", each.trial, "number");
  first.scope = "row";
  const last = document.createElement("td");
  if (each.stops) {
    const button = cell("button", "Stop");
    button.type = "button";
    button.disabled = asked.has(each.trial);
    button.setAttribute("aria-label", `Stop trial ${each.trial}`);
    button.addEventListener("click", () => { asked.add(each.trial); stopTrial(button, each.trial); });
    last.append(button);
  }
  row.append(first, cell("td", each.since, "number"), cell("td", each.message || each.in_words, "words"), last);
  return row;
}

// What stands on the page is put in place of what stood there; what was opened or chosen stays so.
async function refresh() {
  const next = new DOMParser().parseFromString(await (await get("/")).text(), "text/html");
  const opened = [...document.querySelectorAll("details")].some((each) => each.open);
  const main = document.getElementById("main");
  const live = document.getElementById("live");
  main.style.minHeight = `${main.offsetHeight}px`;
  next.getElementById("live").replaceWith(live);
  main.replaceChildren(...next.getElementById("main").children);
  document.querySelectorAll(".statement").forEach((each) => each.remove());
  document.querySelector("h1").after(...next.querySelectorAll(".statement"));
  bind(JSON.parse(next.getElementById("figures").textContent));
  document.querySelectorAll("details").forEach((each) => { each.open = opened; });
  main.style.minHeight = "";
}

const asked = new Set();
async function look() {
  try {
    const state = await (await get("/state")).json();
    document.getElementById("live-done").textContent = state.done;
    document.getElementById("live-running").replaceChildren(...state.running.map((each) => rowOf(each, asked)));
    document.getElementById("live-log").textContent = state.log.join("\n");
    if (version !== null && version !== state.version) await refresh();
    version = state.version;
  } catch (error) {
    document.getElementById("live-done").textContent = `not up to date: ${error.message}`;
  }
  setTimeout(look, every);
}
look();
