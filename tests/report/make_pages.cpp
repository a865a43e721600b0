// Writes the pages the browser test opens into the folder given as the only argument.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "report/sample_run.hpp"
#include "tempera/apps/report/page.hpp"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: make_report_pages FOLDER\n";
    return 2;
  }
  namespace report = tempera::cli::report;
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder);
  const auto write = [&](const char* name, const std::string& text) { std::ofstream(folder / name) << text; };
  std::vector<report::RunData> runs{tempera::test::sample_run(), tempera::test::fashion_run(),
                                    tempera::test::sample_run(), tempera::test::broken_run()};
  runs[0].folder = "mnist-temperature-00000001";
  runs[2].epochs = tempera::test::sample_epochs(30);
  runs[2].summary.results["float"]["test"].errors = 151;
  write("run.html", report::render_report(runs[0]));
  write("fashion.html", report::render_report(runs[1]));
  write("hostile.html", report::render_report(tempera::test::hostile_run()));
  write("broken.html", report::render_report(runs[3]));
  write("empty.html", report::render_report(report::RunData{}));
  write("comparison.html", report::render_comparison(runs));
  write("temperature.svg", report::render_temperature_figure(runs[0]));
  write("quantizers.svg", report::render_quantizers_figure(tempera::test::quantized_run()));
  write("quantized.html", report::render_report(tempera::test::quantized_run()));
  return 0;
}
