// The file a region is read into, and its map: what is on the medium, and what the map says of it.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rescue/hash_lane.hpp"
#include "rescue/read_flash_engine.hpp"
#include "salvage/io/ddrescue_map.hpp"
#include "salvage/io/output_file.hpp"
#include "salvage/io/sources.hpp"

namespace salvage::rescue {

/// Hashes of a file: of all of it, and of each MiB.
struct FileHashes {
    std::string sha256;
    std::vector<crypto::Sha256Digest> blocks;
};
constexpr std::size_t hash_block_bytes = 1U << 20U;

/// What of an earlier run may lie at a region's path.
enum class Earlier : unsigned char {
    ours,    ///< the manifest says that it is of this device
    adopted, ///< the user says so
    unknown, ///< nobody says so: only an empty place will do
};

/// "<path>.partial" with "<path>.map" while it is read; `path` when the run ends.
///
/// Bytes are staged up to the next MiB boundary, so that small packets cost large writes only.  The map in memory
/// counts them when they are written, the map on the medium when they are flushed.  Not thread safe; not movable.
class ReadbackFile final : public ReadTarget {
public:
    /// Begins, or goes on with what an earlier run left.
    /// Errors: already_exists (says what is in the way), malformed (the map), mismatch (the map is of a larger device),
    /// io, no_space.
    [[nodiscard]] static Result<std::unique_ptr<ReadbackFile>> open(const std::filesystem::path& path, ByteCount size,
                                                                    Earlier earlier);
    ~ReadbackFile() override;
    ReadbackFile(const ReadbackFile&) = delete;
    ReadbackFile& operator=(const ReadbackFile&) = delete;

    [[nodiscard]] io::RescueMap& map() noexcept override { return map_; }
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    [[nodiscard]] std::filesystem::path map_path() const;
    /// Where the bytes are right now.
    [[nodiscard]] std::filesystem::path readable_path() const;
    [[nodiscard]] bool is_gone_on_with() const noexcept { return is_gone_on_with_; }

    /// The next bytes of the device.  Errors: no_space, io.
    Result<> put(ByteOffset at, ByteView bytes) override;
    /// Writes what is staged; from here on the map counts it.
    Result<> drain() override;
    /// Everything the map claims is on the medium, then the map is.
    Result<> checkpoint(const io::MapState& state) override;
    /// Reads from the file, drained first.
    Result<> read_back(ByteOffset at, std::span<std::byte> into);
    /// The last checkpoint; the file gets its own name.
    Result<> commit(const io::MapState& state);

    /// The hashes where all bytes came in one run and in order; else nothing, and they are to be made from the file.
    [[nodiscard]] std::optional<FileHashes> hashes();

private:
    ReadbackFile(std::filesystem::path path, ByteCount size);

    Result<> take_over(Earlier earlier);
    Result<> read_map(const std::filesystem::path& image);
    Result<> open_partial(io::Leftover leftover);
    void forget_leftovers();
    void hash(const std::shared_ptr<Bytes>& buffer, std::size_t count);

    std::filesystem::path path_;
    ByteCount size_;
    io::RescueMap map_;
    std::optional<io::OutputFile> file_; ///< nothing: the file was committed
    bool is_gone_on_with_{false};
    bool is_sparse_{true};

    BufferPool pool_;
    std::shared_ptr<Bytes> staged_;
    ByteOffset staged_at_;
    std::size_t staged_bytes_{0};

    /// Made with the first byte: most runs that go on have no use for it.
    struct Hashing;
    ByteOffset hashed_to_;
    bool is_hash_whole_{true};
    std::unique_ptr<Hashing> hashing_; ///< last: its threads end before the buffers do
};

/// The hashes of a file, read through once.  Progress: step "hash".  Errors: io, cancelled.
[[nodiscard]] Result<FileHashes> hash_file(const std::filesystem::path& path, const RunContext& context);

} // namespace salvage::rescue
