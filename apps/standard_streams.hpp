// Standard input, output and error as a program can count on them, however it was started.
#pragma once

namespace tempera::cli {

/// To be called before any file is opened. Points closed standard descriptors at /dev/null, as the next file opened
/// would otherwise get their number and with it the messages; and lets a write to a pipe that nobody reads, or beyond
/// the file size limit, fail with an error instead of a signal, so that a training outlives the `head` it was shown by.
void prepare_standard_streams() noexcept;

/// Writes out what stdout still holds. Throws std::system_error if something of it could not be written.
void finish_stdout();

}  // namespace tempera::cli
