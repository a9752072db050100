// Several at once: those selected are assigned, and what could not be stays selected, with why.
const PART = 100;

const drawBulk = () => {
  const count = queue.picked.size, place = $("Bulk");
  place.hidden = !count;
  if (!count) return void place.replaceChildren();
  if (!$("B-to")) redraw(place,
    h("form", {onsubmit: event => { event.preventDefault(); assignAll(); }},
      h("p", {}, h("strong", {id: "B-n"}),
        button(word("clear_selection"), () => { queue.picked.clear(); drawQueue(); }, {class: "quiet"})),
      h("select", {id: "B-kind", "aria-label": word("assign_to"),
        onchange: event => $("B-to").setAttribute("list", event.target.value === "team" ? "Teams" : "People")},
        h("option", {value: "to"}, word("to_person")), h("option", {value: "team"}, word("to_team"))),
      h("input", {id: "B-to", list: "People", autocomplete: "off", required: true,
        "aria-label": word("assign_hint"), placeholder: word("assign_hint")}),
      h("button", {class: "first"}, word("moves.assign"))));
  $("B-n").textContent = word("selected", {n: count});
};

const assignAll = async () => {
  const to = $("B-to").value.trim(), goal = {[$("B-kind").value]: to}, items = [...queue.picked.values()];
  if (!to) return;
  const done = [], failed = [];
  for (let at = 0; at < items.length; at += PART) {
    const part = items.slice(at, at + PART);
    const path = "/bulk", body = {
      move: "assign", ...goal, items: part.map(({id, version}) => ({id, version}))};
    try {
      const answer = await act({path, items: part.map(item => item.id), body});
      done.push(...answer.done);
      failed.push(...answer.failed);
    } catch (error) {
      failed.push(...part.map(({id}) => ({id, error: error.message, text: explained(error)})));
    }
  }
  // A reply may have been lost, and the second try found them changed: by us.
  for (const each of failed.filter(({error}) => error === "stale").slice(0, PART)) {
    const found = await read(`/follow-ups/${each.id}`).catch(() => null);
    const item = queue.picked.get(each.id);
    if (found) refreshed(found.item);
    if (found && item && isOurs(found.history[item.version], {by: me.sub, body: {move: "assign", ...goal}})) {
      done.push(each.id);
      failed.splice(failed.indexOf(each), 1);
    }
  }
  done.forEach(id => queue.picked.delete(id));
  const why = [...new Set(failed.map(each => each.text || word(`errors.${each.error}`)))].join(", ");
  notice(list(word("bulk_done", {n: done.length, to}), failed.length > 0 && word("bulk_failed", {n: failed.length, why})), !failed.length);
  pollAt = QUIET;
  await refresh().catch(() => {});
  drawQueue();
};
