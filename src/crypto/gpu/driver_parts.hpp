// What both drivers have alike.  A driver's Device has `properties` and `why`, and releases everything at its end.
#pragma once

#include <fmt/format.h>

#include <memory>

#include "crypto/gpu/seam.hpp"
#include "salvage/core/error.hpp"
#include "salvage/crypto/gpu.hpp"

namespace salvage::crypto::gpu {

template <typename Device>
void close_device(void* context)
{
    const std::unique_ptr<Device> device{static_cast<Device*>(context)};
}

template <typename Device>
void get_properties(void* context, GpuProperties* into)
{
    *into = static_cast<Device*>(context)->properties;
}

template <typename Device>
const char* get_why(void* context)
{
    return static_cast<Device*>(context)->why.c_str();
}

/// What was known when devices were listed; a buffer may take the whole memory, and a work item one candidate.
inline GpuProperties listed_properties(const GpuInfo& gpu)
{
    GpuProperties properties{};
    fmt::format_to_n(properties.name.begin(), properties.name.size() - 1, "{}", gpu.name);
    fmt::format_to_n(properties.api.begin(), properties.api.size() - 1, "{}", gpu.api);
    properties.memory_bytes = gpu.memory.value;
    properties.largest_buffer_bytes = gpu.memory.value;
    properties.compute_units = gpu.compute_units;
    properties.word_lanes = 1;
    properties.is_cpu = gpu.is_cpu ? 1 : 0;
    return properties;
}

inline Error does_not_open(const GpuInfo& gpu, std::string why)
{
    return Error{.code = ErrorCode::io,
                 .what = fmt::format("{} ({}) does not open", gpu.name, gpu.api),
                 .why = std::move(why),
                 .where = std::nullopt,
                 .hint = "another program may have taken it whole",
                 .trail = {}};
}

} // namespace salvage::crypto::gpu
