// The text of charts has the theme's colour, also after the theme was changed. Unfold makes the charts.
const paintCharts = () => {
  const colour = getComputedStyle(document.documentElement).getPropertyValue("--chart-text").trim();
  for (const canvas of document.querySelectorAll("canvas.chart")) {
    const chart = Chart.getChart(canvas);
    if (!chart) continue;
    for (const axis of Object.values(chart.options.scales)) axis.ticks.color = colour;
    chart.update();
  }
};
addEventListener("load", () => {
  paintCharts();
  new MutationObserver(paintCharts).observe(document.documentElement, { attributeFilter: ["class"] });
});
