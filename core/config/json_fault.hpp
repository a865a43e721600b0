// Where a text stops being JSON, in words of our own: for the readers of files that the program wrote.
#pragma once

#include <string>
#include <string_view>

namespace tempera::core {

/// "line 14, column 3: syntax error while parsing object - unexpected end of input; expected '}'", or "the file is empty"; empty if `text` is JSON.
/// Lines and columns (bytes) count from 1.
[[nodiscard]] std::string json_fault(std::string_view text);

/// What a message of nlohmann's parser or of its values says, without its number and place: "the key "weight" is missing", "an
/// object is expected where null stands", "number is expected where string stands".
[[nodiscard]] std::string json_explanation(std::string_view message);

}  // namespace tempera::core
