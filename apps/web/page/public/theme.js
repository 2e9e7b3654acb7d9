// Before anything is painted: the theme that was chosen here, or the system's, so that nothing flashes.
(function () {
  var page = document.documentElement;
  var dark = matchMedia('(prefers-color-scheme: dark)');
  try {
    var chosen = localStorage.getItem('salvage.theme');
    if (chosen === 'light' || chosen === 'dark') {
      page.dataset.chosen = chosen;
    }
  } catch (refused) {
    // Storage is switched off; the system's theme holds.
  }
  function show() {
    page.dataset.theme = page.dataset.chosen || (dark.matches ? 'dark' : 'light');
  }
  show();
  dark.addEventListener('change', show);
  new MutationObserver(show).observe(page, { attributeFilter: ['data-chosen'] });
})();
