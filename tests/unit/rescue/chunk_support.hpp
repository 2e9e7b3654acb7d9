// A small search in chunks, and what its tests put into the folder.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "salvage/rescue/chunks.hpp"
#include "support/files.hpp"

namespace salvage::rescue {

inline ChunkJob some_job()
{
    return {.target_identity = "footer:0123",
            .keyspace_identity = "pin:4:4:order=1",
            .targets = {"phone.img"},
            .total = 10'000,
            .begin = 10,
            .end = 105,
            .chunk_length = 10,
            .command = {"/usr/bin/salvage", "crack", "phone.img", "--pin", "4"},
            .folder = "/srv",
            .version = "0.1.0"};
}

inline ChunkFolder folder_in(const test::TemporaryFolder& root, const ChunkJob& job = some_job())
{
    return make_chunk_folder(root.path() / "job", job).unwrap();
}

inline ChunkWriter some_writer(std::uint32_t attempt = 1, char token = 'a')
{
    return {.attempt = attempt, .host = "n 1%\n", .pid = 4711, .token = std::string(32, token)};
}

inline ChunkRecord record_of(const ChunkFolder& folder, std::uint64_t chunk, ChunkWriter writer = some_writer())
{
    const auto range = chunk_range(folder.job, chunk).unwrap();
    return {.job = folder.digest,
            .range = range,
            .next = range.begin + range.length,
            .writer = std::move(writer),
            .tried = range.length,
            .time = std::chrono::milliseconds{1500},
            .hits = {}};
}

inline ChunkHit some_hit(std::uint64_t number, std::string target = "phone.img")
{
    return {
        .number = number, .target = std::move(target), .secret = std::string{"pa:ss\n\xFF\0", 8}, .encoding = "text"};
}

/// Adds to a file of the test's own; makes it where there is none.
inline void append(const std::filesystem::path& path, const std::string& text)
{
    std::ofstream{path, std::ios::app} << text;
}

} // namespace salvage::rescue
