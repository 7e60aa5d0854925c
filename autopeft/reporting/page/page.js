"use strict";

let plots = [];
let rows = [];
const status = document.getElementById("status");
let chosen = null;

const config = {
  displaylogo: false,
  responsive: true,
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
};

// A trial is a point, which carries its number, or a whole trace, whose meta does.
const trialOf = (point) => point.customdata ?? point.data.meta ?? null;

function highlight(plot) {
  const traces = plot.data.map((trace, index) => ({ trace, index })).filter(({ trace }) => trace.type !== "heatmap");
  if (!traces.length) return;
  const points = traces.map(({ trace }) =>
    chosen === null || !trace.customdata
      ? null
      : trace.customdata.flatMap((trial, place) => (trial === chosen ? [place] : [])),
  );
  const opacity = traces.map(({ trace }) => {
    const trial = trace.meta ?? null;
    return chosen === null || trial === null || trial === chosen ? 1 : 0.15;
  });
  Plotly.restyle(plot, { selectedpoints: points, opacity }, traces.map(({ index }) => index));
}

function choose(trial) {
  chosen = trial;
  for (const row of rows) {
    const here = Number(row.dataset.trial) === trial;
    row.classList.toggle("chosen", here);
    row.querySelector(".pick").setAttribute("aria-pressed", String(here));
  }
  plots.forEach(highlight);
}

function show(trial) {
  const row = rows.find((each) => Number(each.dataset.trial) === trial);
  if (!row) return;
  choose(trial);
  const folded = row.closest("details");
  if (folded) folded.open = true;
  row.scrollIntoView({ block: "center" });
  row.querySelector(".pick").focus({ preventScroll: true });
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without the permission, or on pages opened from a file in some browsers.
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
  status.textContent = `copied: ${text}`;
  setTimeout(() => { status.textContent = ""; }, 4000);
}

// Draws the figures that are on the page, and makes its buttons work.
function bind(figures) {
  plots = [...document.querySelectorAll(".plot")];
  rows = [...document.querySelectorAll("tr[data-trial]")];
  for (const plot of plots) {
    const { data, layout } = figures[plot.id];
    Plotly.newPlot(plot, data, layout, config);
    plot.on("plotly_click", (event) => {
      const trial = trialOf(event.points[0]);
      if (trial !== null) show(trial);
    });
  }
  for (const row of rows) {
    row.querySelector(".pick").addEventListener("click", () => {
      const trial = Number(row.dataset.trial);
      choose(trial === chosen ? null : trial);
    });
  }
  for (const button of document.querySelectorAll(".copy")) {
    button.addEventListener("click", () => copy(button.dataset.copy));
  }
  if (chosen !== null) choose(chosen);
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") choose(null);
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const picks = [...(event.target.closest?.("table")?.querySelectorAll(".pick") ?? [])];
  const place = picks.indexOf(event.target);
  if (!step || place < 0) return;
  event.preventDefault();
  picks[Math.min(Math.max(place + step, 0), picks.length - 1)].focus();
});

// What is folded away is printed too, and figures fit A4 and Letter: the paper's width is not known to the script.
const PAPER = { alone: { width: 640, height: 360 }, several: { width: 310, height: 290 } };
window.addEventListener("beforeprint", () => {
  document.querySelectorAll("details").forEach((each) => { each.open = true; });
  for (const plot of plots) Plotly.relayout(plot, plot.closest(".several") ? PAPER.several : PAPER.alone);
});
window.addEventListener("afterprint", () => {
  for (const plot of plots) Plotly.relayout(plot, { width: null, height: null, autosize: true });
});

bind(JSON.parse(document.getElementById("figures").textContent));
