// Before anything is painted: the theme that was chosen here, so that nothing flashes.
(function () {
  try {
    var chosen = localStorage.getItem('salvage.theme');
    if (chosen === 'light' || chosen === 'dark') {
      document.documentElement.dataset.theme = chosen;
    }
  } catch (refused) {
    // Storage is switched off; the system's theme holds.
  }
})();
