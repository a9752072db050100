// Opened with a link's code: asks whether it still takes an answer, beside a page that is in use
// already; without a reply all goes on, and accept decides. The code leaves the address bar, where
// it would be shared along. It stays with the tab, for a reload, and goes along to the other
// languages. Where nothing can be kept, it stays in the address.
if (link) {
  const asking = new XMLHttpRequest();
  asking.open("POST", action.replace(/responses\/[^\/]*$/, "links"));
  asking.timeout = 3e4;
  asking.responseType = "json";
  asking.setRequestHeader("Content-Type", "application/json");
  asking.onload = () => {
    const reply = asking.response || {}, why = {answered: words.answered, expired: words.expired, closed: words.closed}[reply.status];
    // What waits to be sent, or was, may itself be the answer this link has.
    if (why && !busy && !frozen && panel.hidden) tell(why, "", "");
    else if (reply.attributes && typeof pipe === "function") pipe(reply.attributes);
  };
  asking.send(JSON.stringify({survey: action.split("/").pop(), code: link}));
  setTimeout(() => {
    const rest = location.search.replace(/^\?[\dA-Z-]{4,64}(&|$)/i, "?").replace(/^\?$/, "");
    try {
      sessionStorage[action] = link;
      history.replaceState(history.state, "", location.pathname + rest + location.hash);
    } catch (error) {}
    all("a[hreflang]").forEach(anchor => {
      anchor.search = `?${link}${rest.replace("?", "&")}`;
    });
  });
}
