/* Name the modulation of each window of a recording with ONNX Runtime's C API, one thread.
 *
 * Build: cc -O2 -I ONNXRUNTIME/include infer.c -o infer -L ONNXRUNTIME/lib -lonnxruntime -lm
 * Usage: ./infer MODEL.onnx RECORDING (complex float32, at the rate that the model expects)
 */
#include <math.h>
#include <onnxruntime_c_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const OrtApi *ort;

static void check(OrtStatus *status) {
    if (status == NULL) return;
    fprintf(stderr, "%s\n", ort->GetErrorMessage(status));
    exit(1);
}

/* The number that follows a key of the metadata, which are JSON. */
static double number(const char *json, const char *key) {
    const char *found = strstr(json, key);
    return found ? strtod(found + strlen(key), NULL) : 1.0;
}

/* Write the text number `place` of the list that follows a key. */
static void print_name(const char *json, const char *key, size_t place) {
    const char *at = strstr(json, key);
    for (at = at ? strchr(at, '[') : NULL; at; at = strchr(at + 1, '"')) {
        at = strchr(at + 1, '"');
        if (at == NULL || place-- == 0) break;
    }
    if (at) printf("%.*s", (int)strcspn(at + 1, "\""), at + 1);
}

/* Print the likeliest class of one window's logits and its probability: softmax(logits / T + b). */
static void print_answer(const char *json, float *logits, size_t classes) {
    const char *biases = strstr(json, "\"biases\":[");
    char *next = biases ? (char *)biases + strlen("\"biases\":[") : NULL;
    double temperature = number(json, "\"temperature\":"), sum = 0;
    size_t best = 0;
    for (size_t i = 0; i < classes; i++) {
        double bias = next && *next != ']' ? strtod(next, &next) : 0;
        if (next && *next == ',') next++;
        logits[i] = (float)(logits[i] / temperature + bias);
        if (logits[i] > logits[best]) best = i;
    }
    for (size_t i = 0; i < classes; i++) sum += exp(logits[i] - logits[best]);
    print_name(json, "\"classes\":", best);
    printf(" %.3f\n", 1 / sum);
}

int main(int argc, char **argv) {
    if (argc != 3) return fprintf(stderr, "usage: infer MODEL.onnx RECORDING\n"), 2;
    FILE *file = fopen(argv[2], "rb");
    if (file == NULL) return perror(argv[2]), 1;
    ort = OrtGetApiBase()->GetApi(ORT_API_VERSION);

    OrtEnv *env;
    OrtSessionOptions *options;
    OrtSession *session;
    check(ort->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "infer", &env));
    check(ort->CreateSessionOptions(&options));
    check(ort->SetIntraOpNumThreads(options, 1));
    check(ort->CreateSession(env, argv[1], options, &session));

    OrtAllocator *allocator;
    OrtModelMetadata *metadata;
    char *json;
    check(ort->GetAllocatorWithDefaultOptions(&allocator));
    check(ort->SessionGetModelMetadata(session, &metadata));
    check(ort->ModelMetadataLookupCustomMetadataMap(metadata, allocator, "hertzian", &json));
    if (json == NULL) return fprintf(stderr, "%s: no model of Hertzian's\n", argv[1]), 1;

    double length = number(json, "\"samples\":");
    if (!(length >= 1 && length <= 1 << 24)) return fprintf(stderr, "%s: damaged\n", argv[1]), 1;
    size_t samples = (size_t)length;
    float *iq = malloc(2 * samples * sizeof(float)), *x = malloc(2 * samples * sizeof(float));
    if (iq == NULL || x == NULL) return fprintf(stderr, "no memory\n"), 1;
    int64_t shape[] = {1, 2, (int64_t)samples};
    const char *inputs[] = {"x"}, *outputs[] = {"logits"};
    OrtMemoryInfo *memory;
    OrtValue *window, *answer;
    check(ort->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory));
    check(ort->CreateTensorWithDataAsOrtValue(memory, x, 2 * samples * sizeof(float), shape, 3,
                                              ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &window));
    while (fread(iq, 2 * sizeof(float), samples, file) == samples) {
        for (size_t i = 0; i < samples; i++) x[i] = iq[2 * i], x[samples + i] = iq[2 * i + 1];
        answer = NULL;
        check(ort->Run(session, NULL, inputs, (const OrtValue *const *)&window, 1, outputs, 1,
                       &answer));
        OrtTensorTypeAndShapeInfo *form;
        ONNXTensorElementDataType type;
        size_t classes;
        float *logits;
        check(ort->GetTensorTypeAndShape(answer, &form));
        check(ort->GetTensorShapeElementCount(form, &classes));
        check(ort->GetTensorElementType(form, &type));
        if (type != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT || classes == 0)
            return fprintf(stderr, "%s: damaged\n", argv[1]), 1;
        check(ort->GetTensorMutableData(answer, (void **)&logits));
        print_answer(json, logits, classes);
        ort->ReleaseTensorTypeAndShapeInfo(form);
        ort->ReleaseValue(answer);
    }
    ort->ReleaseValue(window);
    ort->ReleaseMemoryInfo(memory);
    check(ort->AllocatorFree(allocator, json));
    ort->ReleaseModelMetadata(metadata);
    ort->ReleaseSession(session);
    ort->ReleaseSessionOptions(options);
    ort->ReleaseEnv(env);
    free(iq), free(x), fclose(file);
    return 0;
}
