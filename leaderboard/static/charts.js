/* Charts: the value under the pointer, the values in turn by arrow keys, and each drawing as SVG or PNG. Loaded with
   `defer`. A mark is a [data-value] of an svg in a .plot; its words are shown below the drawing, as status. */
"use strict";

(() => {
  const STYLES = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "font", "text-anchor", "color", "display"];

  /** The drawing by itself: every style that the page gives it is written into it. */
  const alone = (svg) => {
    const copy = svg.cloneNode(true);
    const from = [svg, ...svg.querySelectorAll("*")];
    [copy, ...copy.querySelectorAll("*")].forEach((element, i) => {
      const style = getComputedStyle(from[i]);
      for (const name of STYLES) element.style.setProperty(name, style.getPropertyValue(name));
      element.removeAttribute("class");
      element.removeAttribute("href");
    });
    const [, , width, height] = svg.getAttribute("viewBox").split(" ");
    const ground = document.createElementNS(svg.namespaceURI, "rect");
    ground.setAttribute("width", "100%");
    ground.setAttribute("height", "100%");
    ground.setAttribute("fill", getComputedStyle(document.body).backgroundColor);
    copy.prepend(ground);
    for (const [name, value] of [["xmlns", svg.namespaceURI], ["width", width], ["height", height]]) copy.setAttribute(name, value);
    return new XMLSerializer().serializeToString(copy);
  };

  const save = (address, name) => Object.assign(document.createElement("a"), { href: address, download: name }).click();
  const address = (text) => `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;

  const png = (svg, name) => {
    const image = new Image();
    image.onload = () => {
      const canvas = Object.assign(document.createElement("canvas"), { width: image.width * 2, height: image.height * 2 });
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      save(canvas.toDataURL("image/png"), name);
    };
    image.src = address(alone(svg));
  };

  const make = (tag, text, properties) => Object.assign(document.createElement(tag), { textContent: text }, properties);

  for (const figure of document.querySelectorAll("figure.chart")) {
    const plot = figure.querySelector(".plot");
    const svg = plot.querySelector("svg");
    const marks = [...svg.querySelectorAll("[data-value]")];
    const status = make("span", "", { className: "value" });
    status.setAttribute("role", "status");
    const name = `${document.title.split(" - ")[0]}-${figure.id}`.replace(/[^\w+-]+/g, "-");
    const buttons = [
      make("button", "SVG", { type: "button", onclick: () => save(address(alone(svg)), `${name}.svg`) }),
      make("button", "PNG", { type: "button", onclick: () => png(svg, `${name}.png`) }),
    ];
    for (const button of buttons) button.setAttribute("aria-label", `Save this chart as ${button.textContent}`);
    const bar = make("p", "", { className: "save" });
    bar.append(status, ...buttons);
    plot.after(bar);

    let at = -1;
    const show = (mark) => {
      for (const each of marks) each.classList.toggle("on", each === mark);
      at = marks.indexOf(mark);
      status.textContent = mark?.dataset.value ?? "";
    };
    plot.addEventListener("pointerover", (event) => show(event.target.closest("[data-value]")));
    plot.addEventListener("pointerleave", () => show());
    plot.addEventListener("focus", () => show(marks[0]));
    plot.addEventListener("blur", () => show());
    plot.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step || !marks.length) return;
      event.preventDefault();
      show(marks[(at + step + marks.length) % marks.length]);
    });
  }
})();
