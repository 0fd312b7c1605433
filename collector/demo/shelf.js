// The single-page part of the demo: a shelf, and a page for each book, by the History API alone.

const BASE = '/demo/shelf/';

const BOOKS = [
  {
    slug: 'the-hesitation',
    title: 'The Hesitation',
    author: 'Ines Marrow',
    colour: 'sea',
    text: 'A novel in which nothing happens but the tide. A harbour master keeps a log for one year and leaves out everything that matters.',
  },
  {
    slug: 'moon-and-mud',
    title: 'Moon and Mud',
    author: 'Tobias Fenn',
    colour: 'sand',
    text: 'Why the water comes and goes, told without an equation and with a great deal of wading.',
  },
  {
    slug: 'pilot-of-a-lost-coast',
    title: 'Pilot of a Lost Coast',
    author: 'Various hands',
    colour: 'dusk',
    text: 'Sailing directions for a shore that has since moved. Not to be used for navigation, as the title page says twice.',
  },
  {
    slug: 'small-boats',
    title: 'Small Boats',
    author: 'Ada Wintle',
    colour: 'rust',
    text: 'Forty boats under five metres and the people who would not sell them.',
  },
  {
    slug: 'field-guide-to-fog',
    title: 'A Field Guide to Fog',
    author: 'Jon Skerry',
    colour: 'fog',
    text: 'Eleven kinds, with plates. The plates are very good and almost entirely grey.',
  },
  {
    slug: 'tern-tern-tern',
    title: 'Tern, Tern, Tern',
    author: 'Philippa Roe',
    colour: 'dawn',
    text: 'One bird, two poles, and a field station whose stove went out in the first week.',
  },
];

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function cover(book) {
  return element(
    'span',
    { class: `cover ${book.colour}`, 'aria-hidden': 'true' },
    element('span', {}, book.title),
  );
}

function shelfPage() {
  const books = BOOKS.map((book) =>
    element(
      'li',
      {},
      element(
        'a',
        { href: BASE + book.slug, 'data-inside': '' },
        cover(book),
        element('strong', {}, book.title),
        element('span', { class: 'author' }, book.author),
      ),
    ),
  );
  return ['The shelf', element('h1', {}, 'The shelf'), element('ul', { class: 'books' }, ...books)];
}

function bookPage(book) {
  const reserve = element(
    'button',
    {
      type: 'button',
      class: 'button',
      'data-event': 'set-aside',
      'data-props': JSON.stringify({ book: book.slug }),
      'data-done': 'Set aside for you',
    },
    'Set it aside for me',
  );
  const text = element(
    'div',
    {},
    element('h1', {}, book.title),
    element('p', { class: 'author' }, book.author),
    element('p', {}, book.text),
    element('p', { class: 'actions' }, reserve),
    element('p', {}, element('a', { href: BASE, 'data-inside': '' }, 'Back to the shelf')),
  );
  return [book.title, element('div', { class: 'book' }, cover(book), text)];
}

function missingPage() {
  const back = element('a', { href: BASE, 'data-inside': '' }, 'Back to the shelf');
  return ['Not on the shelf', element('h1', {}, 'Not on the shelf'), element('p', {}, back)];
}

function pageOf(path) {
  const slug = path.slice(BASE.length);
  const book = BOOKS.find((one) => one.slug === slug);
  if (book) return bookPage(book);
  return slug ? missingPage() : shelfPage();
}

function show() {
  const [title, ...content] = pageOf(location.pathname);
  document.title = `${title}, Tern & Tide`;
  document.getElementById('shelf').replaceChildren(...content);
}

document.addEventListener('click', (event) => {
  const link = event.target.closest('a[data-inside]');
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  history.pushState(null, '', link.href);
  show();
  scrollTo(0, 0);
});
addEventListener('popstate', show);
show();
