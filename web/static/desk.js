// Keys for the inbox: j and k move, s shortlists, x sets aside; for an answer: y records a yes.
// Everything works without them.
(() => {
  const replies = [...document.querySelectorAll("[data-reply]")];
  let at = -1;
  const move = (to) => {
    if (!replies[to]) return;
    at = to;
    replies[at].focus({ preventScroll: true });
    replies[at].scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input:not([type=checkbox]), textarea, select");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "j") move(at + 1);
    if (event.key === "k") move(Math.max(0, at - 1));
    const wanted = `[data-key="${CSS.escape(event.key)}"]`;
    const button = (replies[at] ?? document.querySelector("[data-keys]"))?.querySelector(wanted);
    if (button) button.click();
  });
})();
