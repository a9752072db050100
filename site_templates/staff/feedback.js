// All that one's own customers said, a page at a time, newest first.
const openFeedback = async cursor => {
  const place = $("View"), wanted = () => route().view === "feedback";
  const head = [h("h1", {}, word("views.feedback")), h("p", {class: "soft"}, word("feedback_what"))];
  redraw(place, head, h("p", {class: "soft"}, word("loading")));
  try {
    const found = await read("/feedback?" + query({team: route().team, agent: route().agent, cursor}), wanted);
    if (!wanted()) return;
    const heard = found.items || [];
    redraw(place, head, heard.length ? h("ol", {class: "cards"}, heard.map(card)) : h("p", {class: "soft"}, word("no_feedback")),
      h("p", {class: "ends"},
        cursor && button(word("newest"), () => openFeedback()),
        found.next && button(word("older"), () => openFeedback(found.next))));
    place.scrollTop = 0;
  } catch (error) {
    if (wanted() && error.status !== 401) redraw(place, head, h("p", {}, explained(error)));
  }
};
const card = each => h("li", {class: "block"},
  h("h2", {}, list(each.customer_masked, said(each.title) || titled(each.survey))),
  h("p", {class: "soft"}, list(each.received_at && moment(each.received_at), ...Object.values(each.facts || {}))),
  each.comment && h("blockquote", {}, each.comment),
  each.answers ? answered(each.answers, each) : each.index != null && h("p", {}, `${word("index")} ${each.index.toFixed(1)}`));
