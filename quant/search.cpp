#include "tempera/quant/search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tempera/core/errors.hpp"

namespace tempera::quant {
namespace {

struct Option {
  int bits;
  double cost, loss;
};
struct Item {
  std::string site;
  std::vector<Option> options;  // cost falling
};

std::vector<Item> items_of(const std::vector<SiteSensitivity>& sites, const BitBudget& budget) {
  std::vector<Item> items;
  for (const SiteSensitivity& site : sites) {
    if (site.kind != nn::SiteKind::kWeight || site.points.empty()) continue;
    const double unit = budget.measure == BudgetMeasure::kSize
                            ? static_cast<double>(site.values)
                            : static_cast<double>(site.multiply_adds * budget.bits_before(site.site));
    Item item{.site = site.site, .options = {}};
    for (const SensitivityPoint& point : site.points) {
      item.options.push_back({.bits = point.bits, .cost = unit * point.stored_bits, .loss = point.loss_increase});
    }
    std::ranges::stable_sort(item.options, std::ranges::greater(), &Option::cost);
    items.push_back(std::move(item));
  }
  return items;
}

BitAssignment assignment_of(const std::vector<Item>& items, const std::vector<std::size_t>& chosen) {
  BitAssignment result;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Option& option = items[i].options[chosen[i]];
    result.choices.push_back({.site = items[i].site, .bits = option.bits});
    result.cost += option.cost;
    result.loss_increase += option.loss;
  }
  return result;
}

// A choice for the first sites, with the way back to how it came about.
struct State {
  double cost = 0, loss = 0;
  std::size_t parent = 0, option = 0;
};

// All of `from` with each option of one more site, without those that another beats.
std::vector<State> extended(const std::vector<State>& from, const Item& item, std::size_t most_states) {
  std::vector<State> all;
  for (std::size_t parent = 0; parent < from.size(); ++parent) {
    for (std::size_t option = 0; option < item.options.size(); ++option) {
      const Option& o = item.options[option];
      all.push_back({from[parent].cost + o.cost, from[parent].loss + o.loss, parent, option});
    }
  }
  std::ranges::stable_sort(
      all, [](const State& a, const State& b) { return a.cost != b.cost ? a.cost < b.cost : a.loss < b.loss; });
  std::vector<State> kept;
  double best = std::numeric_limits<double>::infinity();
  for (const State& state : all) {
    if (!(state.loss < best)) continue;
    best = state.loss;
    kept.push_back(state);
  }
  if (kept.size() > most_states) {
    throw core::UnsupportedError(
        "bit search", fmt::format("more than {} assignments remain; offer fewer bits, or fewer sites", most_states));
  }
  return kept;
}

}  // namespace

std::vector<BitAssignment> pareto_bits(const std::vector<SiteSensitivity>& sites, const BitBudget& budget,
                                       std::size_t most_states) {
  const std::vector<Item> items = items_of(sites, budget);
  std::vector<std::vector<State>> stages{{State{}}};
  for (const Item& item : items) stages.push_back(extended(stages.back(), item, most_states));
  std::vector<BitAssignment> front;
  for (std::size_t end = 0; end < stages.back().size(); ++end) {
    std::vector<std::size_t> chosen(items.size());
    std::size_t at = end;
    for (std::size_t i = items.size(); i-- > 0;) {
      const State& state = stages[i + 1][at];
      chosen[i] = state.option;
      at = state.parent;
    }
    front.push_back(assignment_of(items, chosen));
  }
  return front;
}

void require_budget(const std::vector<SiteSensitivity>& sites, const BitBudget& budget) {
  double least = 0;
  for (const Item& item : items_of(sites, budget)) least += item.options.back().cost;
  if (least <= budget.limit) return;
  const bool size = budget.measure == BudgetMeasure::kSize;
  const double unit = size ? 8 : 1;  // as budgets are given: in bytes
  throw core::ConfigError(fmt::format("the budget is {0:.0f} {2}, but the fewest bits offered already take {1:.0f} {2}",
                                      std::floor(budget.limit / unit), std::ceil(least / unit),
                                      size ? "bytes of weights" : "bit operations an image"));
}

BitAssignment exact_bits(const std::vector<SiteSensitivity>& sites, const BitBudget& budget) {
  if (items_of(sites, budget).empty()) {
    throw core::ConfigError("bit search: there is no weight to choose bits for; each has none that can be offered");
  }
  require_budget(sites, budget);
  const std::vector<BitAssignment> front = pareto_bits(sites, budget);
  const auto beyond = std::ranges::find_if(front, [&](const BitAssignment& a) { return a.cost > budget.limit; });
  return *std::prev(beyond);  // losses fall as costs rise
}

}  // namespace tempera::quant
