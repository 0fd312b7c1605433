// What every page of the demo does: an element with data-event tells the tracker of a click on it,
// and the footer says in words whether this browser is counted.

function countClick(element) {
  const props = element.dataset.props ? JSON.parse(element.dataset.props) : undefined;
  window.footfall?.(element.dataset.event, props);
  if (!element.dataset.done) return;
  element.textContent = element.dataset.done;
  element.disabled = true;
}

function sayWhetherCounted() {
  const words = document.querySelector('[data-counting]');
  if (!window.footfall) words.textContent = 'The tracker did not load, so nothing is counted.';
  else if (window.footfall.optedOut()) words.textContent = 'This browser is not counted.';
  else words.textContent = 'This browser is counted.';
}

document.addEventListener('click', (event) => {
  const element = event.target.closest('[data-event]');
  if (element) countClick(element);
});
// After the deferred scripts, the tracker among them.
addEventListener('DOMContentLoaded', sayWhetherCounted);
addEventListener('pageshow', sayWhetherCounted);
