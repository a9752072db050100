// Says that the script is coming, so that what it will hide is not painted first. An engine that
// cannot read ES2015 cannot read this either, and keeps the plain form.
(([root]) => { root.className = "j"; })([document.documentElement]);
