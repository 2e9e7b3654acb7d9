// The file a region is read into, and its map.
#include "rescue/read_flash_file.hpp"

#include <algorithm>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::rescue {
namespace {

namespace fs = std::filesystem;

// As for the maps of dumps: more than a million areas.
constexpr ByteCount max_map_bytes{64ULL << 20U};

// One is filled, one written, and the two lanes lag behind.
constexpr std::size_t buffers = 6;

// A boot region.
constexpr ByteCount small_file{4U << 20U};

void hash_with(HashLane* lane, crypto::Sha256& hash, const std::shared_ptr<Bytes>& buffer, std::size_t count)
{
    if (lane != nullptr) {
        lane->update(hash, buffer, 0, count);
    } else {
        hash.update(ByteView{*buffer}.first(count));
    }
}

void wait_for(HashLane* lane)
{
    if (lane != nullptr) {
        lane->wait();
    }
}

// The name is for ddrescuelog's and ddrescue's readers; the second line tells a person what to do with the file.
constexpr std::string_view heading = "Mapfile in the format of GNU ddrescue, written by salvage read\n"
                                     "The image is beside it, as .partial until the read has ended";

bool is_there(const fs::path& path)
{
    std::error_code ignored;
    return fs::exists(fs::symlink_status(path, ignored));
}

fs::path with(const fs::path& path, std::string_view ending)
{
    auto out = path;
    out += ending;
    return out;
}

Error in_the_way(std::string what, std::string why, std::string hint)
{
    return Error{ErrorCode::already_exists, std::move(what), std::move(why), std::nullopt, std::move(hint), {}};
}

} // namespace

struct ReadbackFile::Hashing {
    crypto::Sha256 whole;
    std::vector<std::unique_ptr<crypto::Sha256>> blocks;
    /// Null for what is hashed sooner than threads are made.  They come last: they end before what they hash.
    std::unique_ptr<HashLane> whole_lane;
    std::unique_ptr<HashLane> block_lane;

    explicit Hashing(ByteCount size)
        : whole_lane{size > small_file ? std::make_unique<HashLane>() : nullptr},
          block_lane{size > small_file ? std::make_unique<HashLane>() : nullptr}
    {
    }
};

ReadbackFile::~ReadbackFile() = default;

ReadbackFile::ReadbackFile(fs::path path, ByteCount size)
    : path_{std::move(path)}, size_{size}, map_{size},
      pool_{buffers, static_cast<std::size_t>(std::min<std::uint64_t>(size.value, hash_block_bytes))}
{
}

fs::path ReadbackFile::map_path() const
{
    return with(path_, ".map");
}

fs::path ReadbackFile::readable_path() const
{
    return file_ ? file_->partial_path() : path_;
}

Result<std::unique_ptr<ReadbackFile>> ReadbackFile::open(const fs::path& path, ByteCount size, Earlier earlier)
{
    // Its threads hold its address: it lives on the heap from the start.
    std::unique_ptr<ReadbackFile> out{new ReadbackFile{path, size}};
    SALVAGE_TRY(out->take_over(earlier));
    return out;
}

Result<> ReadbackFile::take_over(Earlier earlier)
{
    const auto has_image = is_there(path_);
    const auto has_partial = is_there(with(path_, ".partial"));
    const auto has_map = is_there(map_path());
    if (!has_image && !has_map) {
        // A ".partial" without a map claims nothing: a run that was stopped before its first checkpoint.
        return open_partial(io::Leftover::start_over);
    }
    if (earlier == Earlier::unknown) {
        return in_the_way(fmt::format("{} exists and is not overwritten", (has_image ? path_ : map_path()).string()),
                          "it does not belong to a readback of this program",
                          has_map ? "name another file, or go on with what ddrescue left: --adopt"
                                  : "name another file, or move this one away");
    }
    if (!has_map) {
        return in_the_way(fmt::format("{} is there and its map is not", path_.string()),
                          fmt::format("without {} nobody knows what of it was read", map_path().string()),
                          "name another file");
    }
    if (has_image == has_partial) {
        return in_the_way(fmt::format("{} is there and {} is {}", map_path().string(), path_.string(),
                                      has_image ? "there twice, finished and as .partial" : "not"),
                          "the map says what was read, and it must not speak of another file",
                          has_image ? "move one of the two away"
                                    : "bring the image back beside its map, or move the map away");
    }
    SALVAGE_TRY(read_map(has_image ? path_ : with(path_, ".partial")));
    is_gone_on_with_ = true;
    if (has_image && map_.is_finished(ByteRange::first(size_))) {
        return {};
    }
    if (has_image) {
        std::error_code problem;
        fs::rename(path_, with(path_, ".partial"), problem);
        if (problem) {
            return from_errno(problem.value(), "the earlier image cannot be gone on with", path_.string());
        }
    }
    SALVAGE_TRY(open_partial(io::Leftover::keep));
    forget_leftovers();
    return {};
}

Result<> ReadbackFile::read_map(const fs::path& image)
{
    const auto source = SALVAGE_TRY(io::open_file(map_path()).in("opening the map of the earlier run"));
    const auto text = SALVAGE_TRY(io::read_all(*source, max_map_bytes));
    map_ = SALVAGE_TRY(io::parse_rescue_map(as_text(text)).at(map_path().string(), ByteOffset{0}));
    const auto beyond = map_.find(io::BlockStatus::finished, ByteOffset{size_.value}, ByteOffset{map_.size().value});
    if (beyond) {
        return Error{ErrorCode::mismatch,
                     "the map is of a larger device",
                     fmt::format("it tells of bytes at {}, and this region has {}", format_offset(beyond->start()),
                                 format_size_exact(size_)),
                     Location{{Place{.source = map_path().string(), .at = beyond->start()}}},
                     "name another file",
                     {}};
    }
    map_.resize(size_);
    std::error_code problem;
    const auto there = fs::file_size(image, problem);
    if (problem) {
        return from_errno(problem.value(), "the earlier image cannot be examined", image.string());
    }
    // What the file is too short to hold was not read, whatever the map says.
    map_.set(ByteRange::between(ByteOffset{there}, ByteOffset{size_.value}), io::BlockStatus::untried);
    is_hash_whole_ = false;
    return {};
}

Result<> ReadbackFile::open_partial(io::Leftover leftover)
{
    file_ = SALVAGE_TRY(io::OutputFile::create(path_, leftover));
    auto sized = file_->set_size(size_);
    if (!sized.has_value() && sized.error().why.find("too large") != std::string::npos) {
        return std::move(sized.error()).with_hint("this filesystem does not hold files that large (FAT ends at 4 GiB)");
    }
    return sized;
}

void ReadbackFile::forget_leftovers()
{
    // Bytes written behind the last checkpoint would shine through where a zero block is left out.
    for (const auto& area : map_.unfinished(ByteRange::first(size_))) {
        const auto failed = ::fallocate(file_->descriptor(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                        static_cast<off_t>(area.start().value), static_cast<off_t>(area.size().value));
        if (failed != 0) {
            is_sparse_ = false; // FAT and its kin: then zeros are written like all else
            return;
        }
    }
}

Result<> ReadbackFile::put(ByteOffset at, ByteView bytes)
{
    if (staged_bytes_ > 0 && staged_at_ + ByteCount{staged_bytes_} != at) {
        SALVAGE_TRY(drain());
    }
    while (!bytes.empty()) {
        if (staged_bytes_ == 0) {
            staged_ = pool_.take();
            staged_at_ = at;
        }
        const auto room = hash_block_bytes - static_cast<std::size_t>(at.value % hash_block_bytes);
        const auto count = std::min(room, bytes.size());
        std::memcpy(staged_->data() + staged_bytes_, bytes.data(), count);
        staged_bytes_ += count;
        at = at + ByteCount{count};
        bytes = bytes.subspan(count);
        if (count == room) {
            SALVAGE_TRY(drain());
        }
    }
    return {};
}

Result<> ReadbackFile::drain()
{
    if (staged_bytes_ == 0) {
        return {};
    }
    if (!file_) {
        return Error{ErrorCode::internal, "a finished readback was written to", path_.string(), std::nullopt, {}, {}};
    }
    const auto count = std::exchange(staged_bytes_, 0);
    const auto buffer = std::exchange(staged_, nullptr);
    const auto bytes = ByteView{*buffer}.first(count);
    SALVAGE_TRY(is_sparse_ ? file_->write_sparse_at(staged_at_, bytes) : file_->write_at(staged_at_, bytes));
    // The medium begins at once, so that little is left to wait for at the next checkpoint.
    ::sync_file_range(file_->descriptor(), static_cast<off_t>(staged_at_.value), static_cast<off_t>(count),
                      SYNC_FILE_RANGE_WRITE);
    map_.set(ByteRange::between(staged_at_, staged_at_ + ByteCount{count}), io::BlockStatus::finished);
    hash(buffer, count);
    return {};
}

void ReadbackFile::hash(const std::shared_ptr<Bytes>& buffer, std::size_t count)
{
    is_hash_whole_ = is_hash_whole_ && hashed_to_ == staged_at_;
    if (!is_hash_whole_) {
        return;
    }
    if (!hashing_) {
        hashing_ = std::make_unique<Hashing>(size_);
    }
    if (staged_at_.value % hash_block_bytes == 0) {
        hashing_->blocks.push_back(std::make_unique<crypto::Sha256>());
    }
    hash_with(hashing_->whole_lane.get(), hashing_->whole, buffer, count);
    hash_with(hashing_->block_lane.get(), *hashing_->blocks.back(), buffer, count);
    hashed_to_ = staged_at_ + ByteCount{count};
}

std::optional<FileHashes> ReadbackFile::hashes()
{
    const auto hashing = std::move(hashing_);
    if (!hashing || !std::exchange(is_hash_whole_, false) || hashed_to_.value != size_.value) {
        return std::nullopt;
    }
    wait_for(hashing->whole_lane.get());
    wait_for(hashing->block_lane.get());
    FileHashes out{.sha256 = to_hex(hashing->whole.finish()), .blocks = {}};
    out.blocks.reserve(hashing->blocks.size());
    for (const auto& block : hashing->blocks) {
        out.blocks.push_back(block->finish());
    }
    return out;
}

Result<> ReadbackFile::checkpoint(const io::MapState& state)
{
    if (!file_) {
        return {};
    }
    SALVAGE_TRY(drain());
    SALVAGE_TRY(file_->flush());
    const auto text = io::to_mapfile(map_, state, heading);
    return io::write_file_atomically(map_path(), as_bytes(text), io::Existing::replace);
}

Result<> ReadbackFile::read_back(ByteOffset at, std::span<std::byte> into)
{
    SALVAGE_TRY(drain());
    const auto source = SALVAGE_TRY(io::open_file(readable_path()));
    return source->read_at(at, into);
}

Result<> ReadbackFile::commit(const io::MapState& state)
{
    if (!file_) {
        return {};
    }
    SALVAGE_TRY(checkpoint(state));
    SALVAGE_TRY(file_->commit());
    file_.reset();
    return {};
}

Result<FileHashes> hash_file(const fs::path& path, const RunContext& context)
{
    const auto source = SALVAGE_TRY(io::open_file(path).in("hashing what was read"));
    const auto size = source->size().value;
    FileHashes out;
    crypto::Sha256 whole;
    BufferPool pool{3, static_cast<std::size_t>(std::min<std::uint64_t>(size, hash_block_bytes))};
    const auto lane = ByteCount{size} > small_file ? std::make_unique<HashLane>() : nullptr;
    for (std::uint64_t at = 0; at < size; at += hash_block_bytes) {
        if (context.is_stopped()) {
            return cancelled("hashing what was read");
        }
        const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(size - at, hash_block_bytes));
        auto buffer = pool.take();
        SALVAGE_TRY(source->read_at(ByteOffset{at}, std::span{*buffer}.first(count)));
        hash_with(lane.get(), whole, buffer, count);
        out.blocks.push_back(crypto::sha256(ByteView{*buffer}.first(count)));
        context.progress->update({.step = "hash", .unit = "bytes", .done = at + count, .total = size});
    }
    wait_for(lane.get());
    out.sha256 = to_hex(whole.finish());
    return out;
}

} // namespace salvage::rescue
