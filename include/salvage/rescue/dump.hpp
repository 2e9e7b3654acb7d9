// A dump as every verb opens it: bytes, what is known of its layout, and its partitions as sources.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "salvage/core/finding.hpp"
#include "salvage/core/result.hpp"
#include "salvage/io/byte_source.hpp"
#include "salvage/partition/layout.hpp"

namespace salvage::rescue {

/// What a user says about a dump.
struct DumpRequest {
    std::filesystem::path path;                       ///< dump, bare partition image, or a case folder
    std::vector<std::filesystem::path> layout_files;  ///< --scatter: any layout source
    std::optional<std::filesystem::path> footer_file; ///< --footer: dump, partition, carved block or hex dump text
    std::optional<std::filesystem::path> map_file;    ///< --map; else "<path>.map" where it is a ddrescue map
};

/// An opened dump.  Copies share the source.
struct Dump {
    std::string path;
    std::string container; ///< "raw", "device", "split-raw", "android-sparse", "hexdump"
    io::SourcePtr source;
    io::SourcePtr footer_source; ///< of --footer, or null
    std::string footer_path;
    partition::Layout layout;
    /// As find_card_partition() found it on opening.
    std::optional<partition::Partition> card;
    /// No table anywhere: the whole source is taken as one partition (a bare userdata or system image).
    bool is_bare{false};
};

/// Errors: io, malformed, unsupported: as io::open_any and partition::read_tables.
[[nodiscard]] Result<Dump> open_dump(const DumpRequest& named);

/// A partition's bytes; what lies beyond a cut dump is unreadable.  Errors: not_found (names what there is).
[[nodiscard]] Result<io::SourcePtr> open_partition(const Dump& dump, std::string_view name);
[[nodiscard]] Result<io::SourcePtr> open_partition(const Dump& dump, const partition::Partition& partition);

/// Of a memory card in its ordinary form, the partition with its files: reads the start of each partition.  For those
/// who make a Dump themselves; open_dump() asks once.
[[nodiscard]] std::optional<partition::Partition> find_card_partition(const Dump& dump);

/// The userdata partition, or for a bare image all of it; of a memory card the partition with its files.  Nothing where
/// the layout has none.
[[nodiscard]] std::optional<partition::Partition> userdata_of(const Dump& dump);

/// A bare file too small to hold more than a crypto footer: there is no userdata in it to judge a key by.
[[nodiscard]] bool is_footer_alone(const Dump& dump) noexcept;

/// Whether the dump holds all that its tables promise.
struct Completeness {
    bool is_complete{true};
    std::optional<ByteCount> expected; ///< as the GPT says
    ByteCount present;
    ByteCount unreadable;
    std::string text; ///< one sentence
};
[[nodiscard]] Completeness judge_completeness(const Dump& dump, ByteCount unreadable);

} // namespace salvage::rescue
