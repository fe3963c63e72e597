// Keys for one conversation. Everything works without them.
(() => {
  const words = document.getElementById("words");
  const newest = [...document.querySelectorAll(".theirs")].pop();
  if (newest) newest.scrollIntoView({ block: "center" });
  document.addEventListener("keydown", (event) => {
    if (event.target === words && event.key === "Escape") words.blur();
    if (event.target === words && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      words.form.requestSubmit();
      return;
    }
    const typing = event.target.matches("input:not([type=checkbox], [type=radio]), textarea, select");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "w" && words) {
      event.preventDefault();
      words.focus();
      return;
    }
    const key = `[data-key="${CSS.escape(event.key)}"]`;
    const own = newest?.querySelector(key);
    (own || document.querySelector(`main > :not(.thread) ${key}, main > form ${key}`))?.click();
  });
})();
