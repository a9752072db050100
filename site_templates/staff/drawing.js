// Elements. Texts become text nodes and nothing else: what a customer typed is never markup.
const $ = id => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

const fill = (element, facts, inside) => {
  for (const [name, value] of Object.entries(facts)) {
    if (name.startsWith("on")) element[name] = value;
    else if (value === true) element.setAttribute(name, "");
    else if (value !== undefined && value !== null && value !== false) element.setAttribute(name, value);
  }
  element.append(...inside.flat(9).filter(part => part || part === 0));
  return element;
};
const h = (tag, facts = {}, ...inside) => fill(document.createElement(tag), facts, inside);
const svg = (tag, facts, ...inside) => fill(document.createElementNS(SVG, tag), facts, inside);

const button = (text, onclick, facts = {}) => h("button", {type: "button", onclick, ...facts}, text);
const tag = (text, kind = "") => text && h("span", {class: `tag ${kind}`}, text);

let live;
const announce = text => {
  $("Live").textContent = "";
  clearTimeout(live);
  live = setTimeout(() => { $("Live").textContent = text; }, 50);
};

// Drawn anew without losing the place of whoever is typing or moving by keys in it.
const redraw = (place, ...inside) => {
  const focused = place.contains(document.activeElement) && document.activeElement;
  const [id, start, end] = focused ? [focused.id, focused.selectionStart, focused.selectionEnd] : [];
  place.replaceChildren(...inside.flat(9).filter(Boolean));
  const again = id && $(id);
  if (!again) return;
  again.focus({preventScroll: true});
  if (start !== null && start !== undefined) try { again.setSelectionRange(start, end); } catch {}
};
