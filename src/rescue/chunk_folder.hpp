// Inside rescue: where things lie in a chunk folder.
#pragma once

#include <filesystem>
#include <string>

#include <fmt/format.h>

#include "salvage/rescue/chunks.hpp"

namespace salvage::rescue {

/// Paths of a chunk folder.  Format: docs/formats/chunk-folder.md.
class ChunkPaths {
public:
    explicit ChunkPaths(const ChunkFolder& folder) : root_{folder.path} {}
    explicit ChunkPaths(std::filesystem::path root) : root_{std::move(root)} {}

    [[nodiscard]] std::filesystem::path job() const { return root_ / "job.json"; }
    [[nodiscard]] std::filesystem::path done() const { return root_ / "done"; }
    [[nodiscard]] std::filesystem::path done(std::uint64_t chunk) const { return done() / fmt::to_string(chunk); }
    [[nodiscard]] std::filesystem::path damaged() const { return root_ / "damaged"; }
    [[nodiscard]] std::filesystem::path hits() const { return root_ / "hits"; }
    [[nodiscard]] std::filesystem::path attempts() const { return root_ / "attempt"; }
    [[nodiscard]] std::filesystem::path checkpoints() const { return root_ / "checkpoint"; }
    [[nodiscard]] std::filesystem::path checkpoint(std::uint64_t chunk, std::uint32_t attempt) const
    {
        return checkpoints() / life_name(chunk, attempt);
    }
    [[nodiscard]] std::filesystem::path submissions() const { return root_ / "submission"; }
    [[nodiscard]] std::filesystem::path logs() const { return root_ / "log"; }

    /// "7.2": the second life of chunk 7.
    [[nodiscard]] static std::string life_name(std::uint64_t chunk, std::uint32_t attempt)
    {
        return fmt::format("{}.{}", chunk, attempt);
    }

private:
    std::filesystem::path root_;
};

} // namespace salvage::rescue
