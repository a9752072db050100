// A ranking by taps: the first tap is the first place, another tap takes it back, and up and down
// change places. The lists of the plain form keep the answer, out of sight.
fields.forEach(([id, rule]) => {
  if (!rule || rule[0] !== "order") return;
  const lists = controls[id], rows = bare(), box = boxes[id];
  const say = (text, name, rank) => text.replace("{n}", rank).replace("{name}", () => name);
  const button = (row, text, act) => {
    const made = row.appendChild(document.createElement("button"));
    made.type = "button";
    made.textContent = text;
    made.addEventListener("click", () => {
      const order = texts(id), at = order.indexOf(row.id.slice(id.length + 1));
      if (made.getAttribute("aria-disabled") === "true") return;
      act(order, at);
      lists.forEach((list, n) => { list.value = order[n] || ""; });
      changed();
      live.textContent = row.said;
    });
    return made;
  };
  Array.from(lists[0].options).slice(1).forEach(({value, text}) => {
    const row = box.appendChild(document.createElement("div"));
    const move = by => (order, at) => {
      order.splice(at + by, 0, order.splice(at, 1)[0]);
    };
    row.className = "R";
    row.id = id + "-" + value;
    const main = button(row, text, (order, at) => at < 0 ? order.push(value) : order.splice(at, 1));
    const badge = main.insertBefore(document.createElement("i"), main.firstChild);
    const up = button(row, "↑", move(-1)), down = button(row, "↓", move(1));
    up.setAttribute("aria-label", say(words.earlier, text));
    down.setAttribute("aria-label", say(words.later, text));
    rows[value] = {row, main, badge, up, down, text};
  });
  // The summary of problems leads here.
  lists[0].focus = () => box.querySelector("button").focus();
  after.push(() => {
    const order = texts(id), offered = reading.choices[id];
    rule[1].forEach(code => {
      const {row, main, badge, up, down, text} = rows[code], at = order.indexOf(code);
      row.hidden = !!offered && offered.indexOf(code) < 0;
      badge.textContent = at < 0 ? "" : at + 1;
      row.said = say(at < 0 ? words.unranked : words.ranked, text, at + 1);
      main.setAttribute("aria-pressed", at >= 0);
      main.setAttribute("aria-disabled", at < 0 && order.length >= lists.length);
      up.setAttribute("aria-disabled", at < 1);
      down.setAttribute("aria-disabled", at < 0 || at > order.length - 2);
    });
  });
});
