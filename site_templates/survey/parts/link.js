// Opened with a link's code: asks whether it still takes an answer, beside a page that is in use
// already; without a reply all goes on, and accept decides. Every question costs as much as an
// answer, so an open code (links.py: 8 symbols, a personal one 27) is asked about only where texts
// say what its link knows; that it has expired is told when the answer is sent. The code leaves the address bar, where
// it would be shared along, once the page works. It stays with the tab, for a reload, and goes
// along to the other languages. Where nothing can be kept, it stays in the address.
if (link) {
  const [api, survey] = action.split("responses/");
  if (link[20])  // with untold
  post(api + "links", JSON.stringify({survey, code: link}), (status, reply) => {
    const why = reply && {answered: words.answered, expired: words.expired, closed: words.closed}[reply.status];
    // What waits to be sent, or was, may itself be the answer this link has.
    if (why && !frozen && panel.hidden) tell(why, "", "");
    if (reply && reply.attributes) pipe(reply.attributes);  // with piping
  });
  setTimeout(() => {
    const rest = location.search.replace(link, "").replace(/^\?&?/, "");
    try {
      sessionStorage[action] = link;
      history.replaceState(history.state, "", location.pathname + (rest && "?" + rest));
    } catch (error) {}
    all("a[hreflang]").forEach(anchor => { anchor.search = link + (rest && "&" + rest); });
  });
}
