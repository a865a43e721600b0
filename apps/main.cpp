#include "tempera/apps/cli.hpp"

int main(int argc, char** argv) { return tempera::cli::main(argc, argv); }
