// A folder that results are written into: ours alone, and of one source only.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "salvage/core/result.hpp"
#include "salvage/core/units.hpp"

namespace salvage::rescue {

/// What tells our folder from others: a state file in it that names the source.
struct FolderClaim {
    std::string_view state_name; ///< ".salvage-split.json"
    std::string_view schema;     ///< "salvage.split-state/1"
    std::string_view source;     ///< identity of what is written out
    std::string_view work;       ///< for messages: "split", "export"
};

/// A folder under our lock, with its state file.  Move-only.
class OutFolder {
public:
    /// Makes the folder, or takes over an empty one, or goes on with one whose state file names the same source.
    /// Errors: already_exists (it holds something else, or another source's work; or another run writes into it),
    /// io, no_space.
    [[nodiscard]] static Result<OutFolder> claim(const std::filesystem::path& path, const FolderClaim& claim);

    OutFolder(OutFolder&& other) noexcept;
    OutFolder& operator=(OutFolder&&) = delete;
    OutFolder(const OutFolder&) = delete;
    ~OutFolder();

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
    /// The state file's content: an object with "schema" and "source" at least.
    [[nodiscard]] nlohmann::ordered_json& state() noexcept { return state_; }
    /// Writes state() to the file, atomically.
    Result<> save_state() const;

private:
    OutFolder(std::filesystem::path path, int descriptor) : path_{std::move(path)}, descriptor_{descriptor} {}
    Result<> take_lock() const;
    Result<> read_or_make_state(const FolderClaim& claim);
    Result<> check_is_empty(const FolderClaim& claim) const;

    std::filesystem::path path_;
    std::filesystem::path state_path_;
    int descriptor_{-1};
    nlohmann::ordered_json state_;
};

/// A line of SHA256SUMS, as `sha256sum -c` reads it: names with a backslash or a line break are escaped.
/// Spec: GNU coreutils manual, "cksum output modes".
[[nodiscard]] std::string sums_line(std::string_view sha256_hex, std::string_view name);

/// Adds to a no_space error what is still needed and what is there; other errors pass.
[[nodiscard]] Error with_need(Error error, ByteCount needed, const std::filesystem::path& folder);

/// Puts `text` under `key`; where it is not valid UTF-8, the bytes as hex under "<key>_hex" too.
void put_text(nlohmann::ordered_json& json, const std::string& key, std::string_view text);
/// What put_text put there; nothing where `key` is missing or no text.
[[nodiscard]] std::optional<std::string> get_text(const nlohmann::ordered_json& json, const std::string& key);

/// One line, never failing: bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string to_line(const nlohmann::ordered_json& json);
/// Nothing where `text` is no JSON object.
[[nodiscard]] std::optional<nlohmann::ordered_json> parse_object(std::string_view text);
/// A number or text of a file that anyone may have edited; nothing where it is missing or of another type.
[[nodiscard]] std::optional<std::uint64_t> get_number(const nlohmann::ordered_json& json, const std::string& key);

} // namespace salvage::rescue
