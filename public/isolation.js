/**
 * Runs before the page: if the host sent no isolation headers, installs the service worker that adds them and loads the
 * page again, once. Where that fails too, the page says what is missing (it reads `crossOriginIsolated`).
 */
(() => {
  const tried = 'lockstep.isolation-tried';
  if (self.crossOriginIsolated) {
    sessionStorage.removeItem(tried);
    return;
  }
  if (!('serviceWorker' in navigator) || sessionStorage.getItem(tried)) return;
  sessionStorage.setItem(tried, '1');
  navigator.serviceWorker
    .register('isolation-sw.js')
    .then(() => navigator.serviceWorker.ready)
    .then(() => location.reload())
    .catch((error) => console.warn(`isolation: ${error.message}`));
})();
