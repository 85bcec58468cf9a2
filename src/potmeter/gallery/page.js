// What a page does by itself: its state goes into its address, lines are copied, pictures are saved, demos come to life.
const potmeter = {
  // Called when the page has been filled in: show what stands in the address, or the first example, as soon as its
  // button is there. It comes late on a slow machine, and is away while something runs.
  begin() {
    clearTimeout(potmeter.beginning);
    const task = new URLSearchParams(location.search).get("task") || "run";
    if (task === "by-hand" || task === "about") return;
    const press = () => {
      const button = document.getElementById("go-" + task);
      if (button) button.click();
      else potmeter.beginning = setTimeout(press, 100);
    };
    potmeter.beginning = setTimeout(press, 50);
  },

  // The result of a run carries the end of the address that brings it back.
  address(query) {
    history.replaceState(null, "", location.pathname + query);
  },

  // Put a picture, a sound or a video away as a file.
  save(figure) {
    const medium = figure.querySelector("img, audio, video");
    const kind = medium.src.slice(5).split(";")[0];
    const link = document.createElement("a");
    link.href = medium.src;
    link.download = (figure.dataset.name || "result") + "." + ({"image/png": "png", "audio/wav": "wav", "video/mp4": "mp4"}[kind] || "bin");
    link.click();
  },

  async copy(button) {
    const text = button.parentElement.querySelector("code").textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {  // without https there is no clipboard but the old one
      const field = document.createElement("textarea");
      field.value = text;
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
    }
    button.textContent = "copied";
    setTimeout(() => (button.textContent = "copy"), 1200);
  },

  look() {
    for (const done of document.querySelectorAll("[data-query]")) {
      potmeter.address(done.dataset.query);
      done.removeAttribute("data-query");
    }
    for (const demo of document.querySelectorAll(".demo:not(.alive)")) {
      demo.classList.add("alive");
      new potmeter.Demo(demo);
    }
  },
};
window.potmeter = potmeter;

document.addEventListener("click", (event) => {
  const button = event.target.closest("button.copy");
  if (button) potmeter.copy(button);
  const figure = event.target.closest(".result .medium.image, .result .medium.chart");
  if (figure && event.target.tagName === "IMG") potmeter.save(figure);
});
document.addEventListener("load", (event) => {  // of small pictures one wants to see the pixels
  const image = event.target;
  if (image.tagName === "IMG" && image.closest(".into")) image.classList.toggle("pixelated", image.naturalWidth < 128);
}, true);
potmeter.watch = () => {
  new MutationObserver(potmeter.look).observe(document.body, {childList: true, subtree: true, attributes: true, attributeFilter: ["data-query"]});
  potmeter.look();
};
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", potmeter.watch);
else setTimeout(potmeter.watch);  // gradio puts its head in late; demos.js is still to come
