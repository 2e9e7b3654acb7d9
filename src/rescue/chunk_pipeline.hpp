// Numbered chunks made by many threads and taken in order by one.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "rescue/hash_lane.hpp"
#include "salvage/core/result.hpp"
#include "salvage/io/byte_source.hpp"

namespace salvage::rescue {

/// A chunk with what of it could be had.
struct Chunk {
    std::shared_ptr<Bytes> buffer;
    std::size_t count{};
    std::vector<io::Extent> extents;
};

/// Makes chunks 0, 1, … up to `end` with `workers` threads; memory: (2 * workers + 2) buffers of chunk_bytes.
class ChunkPipeline {
public:
    /// Fills the chunk's buffer and extents.  Called by many threads at once.
    using Make = std::function<Result<>(std::uint64_t number, Chunk& chunk)>;

    ChunkPipeline(std::uint64_t end, unsigned workers, Make make);
    ChunkPipeline(const ChunkPipeline&) = delete;
    ChunkPipeline& operator=(const ChunkPipeline&) = delete;
    ~ChunkPipeline(); ///< waits for chunks under way and drops the rest

    /// The next chunk in order.  Requires: not called more often than there are chunks.
    [[nodiscard]] Result<Chunk> next();

private:
    void work();

    const std::uint64_t end_;
    const Make make_;
    BufferPool pool_;
    std::mutex mutex_;
    std::condition_variable made_;
    std::map<std::uint64_t, Result<Chunk>> ready_;
    std::uint64_t next_to_make_{0};
    std::uint64_t next_to_give_{0};
    bool is_ending_{false};
    std::vector<std::thread> threads_;
};

} // namespace salvage::rescue
