#include "tempera/apps/report/base64.hpp"
#include "tempera/apps/report/style.hpp"
#include "tempera/datasets/sha256.hpp"

namespace tempera::cli::report {

std::string_view page_script() {
  return R"js(
"use strict";
(() => {
  const box = document.getElementById("try");
  if (!box) return;
  const logits = JSON.parse(box.dataset.logits);
  const temperatures = JSON.parse(box.dataset.temperatures);
  const slider = document.getElementById("try-t");
  const output = document.getElementById("try-out");
  const bars = [...box.querySelectorAll(".try-bar")];
  const texts = [...box.querySelectorAll(".try-p")];
  const show = () => {
    const t = temperatures[slider.value];
    const top = Math.max(...logits);
    const e = logits.map((z) => Math.exp((z - top) / t));
    const sum = e.reduce((a, b) => a + b, 0);
    e.forEach((value, i) => {
      const p = value / sum;
      bars[i].style.width = 100 * p + "%";
      texts[i].textContent = p > 0 && p < 1e-4 ? "< 0.0001" : p.toFixed(4);
    });
    output.textContent = t;
    slider.setAttribute("aria-valuetext", "T = " + t);
  };
  slider.addEventListener("input", show);
  box.hidden = false;
  show();
})();
)js";
}

std::string content_security_policy() {
  const data::Digest digest = data::sha256_of_text(page_script());
  return "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
         "script-src 'sha256-" +
         base64({reinterpret_cast<const char*>(digest.data()), digest.size()}) + "'";
}

}  // namespace tempera::cli::report
