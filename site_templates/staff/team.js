// How the team does: each figure with how many it is of.
const FIGURES = ["open", "first_contact_on_time", "hours_to_solution", "verified_closed",
  "recovered_detractors", "reopened", "unverified", "unreachable"];

const percent = share => new Intl.NumberFormat(language, {style: "percent"}).format(share);
const hours = value => (value > 0 && value < .1 ? "< " : "")
  + new Intl.NumberFormat(language, {maximumFractionDigits: 1}).format(value && Math.max(value, .1));
// A figure and the small print below it.
const figured = figure => {
  if (figure === null || figure === undefined) return ["–", ""];
  if (typeof figure === "number") return [figure.toLocaleString(language), ""];
  const {n, share, median, mean} = figure;
  if (!n) return ["–", word("n", {n: 0})];
  if (median !== undefined) return [hours(median), word("n_median", {mean: hours(mean), n: n.toLocaleString(language)})];
  return [share === undefined ? n.toLocaleString(language) : percent(share), share === undefined ? "" : word("n", {n: n.toLocaleString(language)})];
};

const openTeam = async () => {
  const asked = {from: route().from, to: route().to, team: route().team}, wanted = () => route().view === "team";
  const dated = name => h("p", {class: "f"}, h("label", {for: `T-${name}`}, word(name)),
    h("input", {id: `T-${name}`, type: "date", value: asked[name] || ""}));
  const bar = h("form", {class: "range", onsubmit: event => {
    event.preventDefault();
    go({from: $("T-from").value, to: $("T-to").value, team: $("T-team").value.trim()});
  }}, dated("from"), dated("to"),
    h("p", {class: "f"}, h("label", {for: "T-team"}, word("team")), h("input", {id: "T-team", list: "Teams", value: asked.team || "", autocomplete: "off"})),
    h("button", {class: "first"}, word("apply")));
  const place = $("View");
  redraw(place, h("h1", {}, word("views.team")), bar, h("p", {class: "soft"}, word("loading")));
  try {
    const found = await read("/team?" + query(asked), wanted);
    if (wanted()) redraw(place, h("h1", {}, word("views.team")), bar, tiles(found), people(found.by || []));
  } catch (error) {
    if (wanted() && error.status !== 401) redraw(place, h("h1", {}, word("views.team")), bar, h("p", {}, explained(error)));
  }
};
const tiles = found => h("dl", {class: "tiles"}, FIGURES.filter(name => name in found).map(name => {
  const of = name === "recovered_detractors" && found.detractors;
  let [value, small] = figured(of ? {n: of, share: found[name] / of} : found[name]);
  if (name === "open" && found.overdue) small = `${word("overdue")} ${found.overdue.toLocaleString(language)}`;
  return h("div", {class: name}, h("dt", {}, word(`figures.${name}`)), h("dd", {}, value, small && h("small", {}, small)));
}));
const people = by => {
  if (!by.length) return h("p", {class: "soft"}, word("no_figures"));
  const names = ["open", "overdue", ...FIGURES.slice(1)].filter(name => by.some(each => name in each));
  const most = Math.max(1, ...by.map(each => each.open || 0));
  return h("section", {class: "block"}, h("h2", {id: "H-by"}, word("by_assignee")),
    h("div", {class: "wide", tabindex: 0, role: "region", "aria-labelledby": "H-by"}, h("table", {},
      h("thead", {}, h("tr", {}, h("th", {scope: "col"}, word("assignee")), h("th", {scope: "col"}, word("open_overdue")),
        names.map(name => h("th", {scope: "col"}, word(`figures.${name}`))))),
      h("tbody", {}, by.map(each => h("tr", {}, h("th", {scope: "row"}, each.assignee || word("nobody")),
        h("td", {}, each.open > 0 && bar([[each.open / most, ""], each.overdue > 0 && [each.overdue / most, "bad"]].filter(Boolean))),
        names.map(name => {
          const [value, small] = figured(each[name]), {n} = each[name] ?? {};
          return h("td", {}, value, small && h("small", {}, word("n", {n})));
        })))))));
};
