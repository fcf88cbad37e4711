// A list that was opened to be printed (the argument `print`) opens the browser's dialog for it.
addEventListener('load', () => {
  if (new URLSearchParams(location.search).has('print')) print();
});
