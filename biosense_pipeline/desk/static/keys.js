// Keys for what can be clicked: an element with data-keys="j ArrowRight" is clicked when one of these is pressed.
// Pages work without this script, by their links and forms.
"use strict";

(() => {
  const STORED = "desk-keys";
  const choice = document.getElementById("keys-choice");
  const keys = document.getElementById("keys");
  // A key that is held down, or pressed again while the next page loads, must not judge what nobody has seen.
  let leaving = false;

  const stored = () => {
    try {
      return localStorage.getItem(STORED) !== "off";
    } catch {
      return true;
    }
  };

  if (choice && keys) {
    choice.hidden = false;
    keys.checked = stored();
    keys.addEventListener("change", () => {
      try {
        localStorage.setItem(STORED, keys.checked ? "on" : "off");
      } catch {
        // Without storage the choice holds for this page.
      }
    });
  }

  window.addEventListener("pageshow", () => {
    leaving = false;
  });

  document.addEventListener("submit", (event) => {
    if (leaving) {
      event.preventDefault();
    }
    leaving = true;
  });

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.repeat || event.altKey || event.ctrlKey || event.metaKey || leaving) {
      return;
    }
    if ((keys && !keys.checked) || event.target.closest("textarea, select, input:not([type=checkbox])")) {
      return;
    }
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    for (const element of document.querySelectorAll("[data-keys]")) {
      if (element.dataset.keys.split(" ").includes(key)) {
        event.preventDefault();
        element.click();
        leaving = leaving || element.matches("a");
        return;
      }
    }
  });
})();
