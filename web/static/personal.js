// The preview follows what is typed on the page where somebody is asked. Everything works
// without it: the button "Show me how it looks" does the same.
(() => {
  const form = document.getElementById("decide");
  const preview = document.getElementById("preview");
  const said = document.getElementById("said");
  if (!form || !preview) return;
  let waiting = 0;
  let newest = 0;
  const look = async () => {
    const mine = ++newest;
    try {
      const answer = await fetch(form.dataset.preview, { method: "POST", body: new FormData(form) });
      if (mine !== newest || !answer.headers.get("Content-Type")?.startsWith("application/json")) return;
      const shown = await answer.json();
      said.textContent = shown.said;
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(shown.preview, "text/html");
      preview.replaceChildren(...page.body.childNodes);
      form.elements.shown_credit.value = shown.shown_credit;
    } catch {
      // Offline: what is on the screen still says what would be agreed to.
    }
  };
  form.addEventListener("input", (event) => {
    if (event.target.name.startsWith("words") || event.target.name === "uses") return;
    clearTimeout(waiting);
    waiting = setTimeout(look, 300);
  });
})();
