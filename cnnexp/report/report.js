"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const slider = document.getElementById("epoch");
  if (!slider) return;
  const told = document.getElementById("epoch-told");
  const play = document.getElementById("play");
  const steps = slider.dataset.steps.split(" ");
  const shown = [...document.querySelectorAll("[data-from]")];
  let timer = 0;

  const show = () => {
    const at = Number(slider.value);
    told.textContent = steps[at];
    slider.setAttribute("aria-valuetext", `${steps[at]} epochs done`);
    for (const each of shown) each.hidden = at < Number(each.dataset.from) || at > Number(each.dataset.to);
  };
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    play.textContent = "▶ play";
  };
  const step = () => {
    slider.value = Number(slider.value) + 1;
    show();
    if (Number(slider.value) === steps.length - 1) stop();
  };
  slider.addEventListener("input", () => { stop(); show(); });
  play.addEventListener("click", () => {
    if (timer) return stop();
    if (Number(slider.value) === steps.length - 1) slider.value = 0;
    show();
    play.textContent = "■ stop";
    timer = setInterval(step, 700);
  });
  for (const radio of document.querySelectorAll("input[name=digit]")) {
    radio.addEventListener("change", () => document.body.style.setProperty("--digit", radio.value));
    if (radio.checked) document.body.style.setProperty("--digit", radio.value);
  }
  show();
});
window.addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("details")) part.open = true;
});
