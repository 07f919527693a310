// Runs before the first paint: the chosen theme, so that no page flashes in the other one.
(() => {
  let chosen = 'system';
  try {
    chosen = localStorage.getItem('flow-router.theme') ?? 'system';
  } catch {
    // No storage: as the system has it.
  }
  const dark = chosen === 'dark' || (chosen === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
})();
