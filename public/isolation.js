/**
 * Runs before the page: if the host sent no isolation headers, installs the service worker that adds them and loads the
 * page again, once. Where that fails too, `isolationAttempt` settles with the reason and the page says what is missing.
 */
(() => {
  const tried = 'lockstep.isolation-tried';
  if (self.crossOriginIsolated) {
    sessionStorage.removeItem(tried);
    return;
  }
  const failed = (reason) => {
    self.isolationAttempt = Promise.resolve(reason);
  };
  if (!('serviceWorker' in navigator)) return failed('This browser runs no service workers here.');
  if (sessionStorage.getItem(tried)) return failed('The service worker is installed, but did not isolate the page.');
  sessionStorage.setItem(tried, '1');
  self.isolationAttempt = navigator.serviceWorker
    .register('service-worker.js')
    .then(() => navigator.serviceWorker.ready)
    .then(() => {
      location.reload();
      return new Promise(() => {}); // the page is about to go
    })
    .catch((error) => `The service worker could not be installed: ${error.message}`);
})();
